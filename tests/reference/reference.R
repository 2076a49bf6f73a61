# Reference values for the tests, computed by R's package survival on its own data sets.
# Run: Rscript tests/reference/reference.R     Writes next to itself:
# km.csv, logrank.csv, cox.csv, tests.csv (dataset,analysis,term,statistic,value) and versions.txt.
# Times are in days, in the unit of the data set; NA is "not reached" or "no estimate".

suppressPackageStartupMessages(library(survival))

this <- sub("^--file=", "", grep("^--file=", commandArgs(FALSE), value = TRUE))
here <- dirname(normalizePath(this))

# ---------------------------------------------------------------- rows

rows <- new.env()

add <- function(file, dataset, analysis, term, values) {
  rows[[file]] <- c(rows[[file]], list(data.frame(
    dataset = dataset, analysis = analysis, term = term, statistic = names(values),
    value = ifelse(is.na(values), "NA", formatC(as.numeric(values), digits = 12, format = "g"))
  )))
}

save <- function(file) {
  table <- do.call(rbind, rows[[file]])
  stopifnot(!anyDuplicated(table[1:4]))
  write.csv(table, file.path(here, paste0(file, ".csv")), row.names = FALSE, quote = FALSE)
}

p_chisq <- function(chisq, df) pchisq(chisq, df, lower.tail = FALSE)

# ---------------------------------------------------------------- data

veteran$trt <- factor(veteran$trt, 1:2, c("standard", "test"))
veteran$prior <- factor(veteran$prior, c(0, 10), c("no", "yes"))
veteran[c("OS_t", "OS_e")] <- veteran[c("time", "status")]
smallcell <- veteran[veteran$celltype == "smallcell", ]

lung[c("OS_t", "OS_e")] <- list(lung$time, as.numeric(lung$status == 2))
jasa[c("OS_t", "OS_e")] <- jasa[c("futime", "fustat")]
gbsg[c("RFS_t", "RFS_e")] <- gbsg[c("rfstime", "status")]

rotterdam[c("OS_t", "OS_e")] <- rotterdam[c("dtime", "death")]
# RFS: the first of recurrence and death; who died without recurrence has it at death.
rotterdam$RFS_t <- with(rotterdam, ifelse(recur == 1, rtime, dtime))
rotterdam$RFS_e <- with(rotterdam, pmax(recur, death))

# colon has two rows a patient (etype 1 recurrence, 2 death) with the same covariates.
colon <- colon[order(colon$id), ]
colon_wide <- colon[colon$etype == 2, ]
recurrence <- colon[colon$etype == 1, ]
stopifnot(identical(colon_wide$id, recurrence$id))
colon_wide[c("OS_t", "OS_e")] <- colon_wide[c("time", "status")]
colon_wide[c("TTR_t", "TTR_e")] <- recurrence[c("time", "status")]
colon_wide$DFS_t <- with(colon_wide, pmin(OS_t, TTR_t))
colon_wide$DFS_e <- with(colon_wide, pmax(OS_e, TTR_e))
colon_two <- droplevels(colon_wide[colon_wide$rx != "Lev", ])

pbc <- pbc[!is.na(pbc$trt), ]

# ---------------------------------------------------------------- Kaplan-Meier

# One survfit per group: every statistic is of that group alone, except rmean_tau=maxtime_common,
# which is R's rmean="common" and needs the groups side by side.
groups_of <- function(d, group) {
  if (group == "1") return(list(all = d))
  g <- factor(d[[group]])
  setNames(split(d, g), paste0(group, "=", levels(g)))
}

survfit_of <- function(d, outcome, conf, group = "1") {
  f <- as.formula(sprintf("Surv(%s_t, %s_e) ~ %s", outcome, outcome, group))
  survfit(f, d, conf.type = conf)
}

quantiles <- function(fit) {
  q <- quantile(fit, c(0.5, 0.25, 0.75))
  v <- as.vector(rbind(q$quantile, q$lower, q$upper))
  setNames(v, outer(c("", "_lcl", "_ucl"), c("median", "q25", "q75"), function(a, b) paste0(b, a)))
}

# Restricted mean and its standard error, a row per group: what print(fit, rmean = tau) shows.
rmeans <- function(d, outcome, group, tau) {
  table <- rbind(summary(survfit_of(d, outcome, "log", group), rmean = tau)$table)
  table[, c("rmean", "se(rmean)"), drop = FALSE]
}

# After the last time of a group: R gives no estimate unless asked to extend the curve. After a final
# event the curve stays at 0 (standard error and interval NA); after a final censoring it is unknown.
at_time <- function(fit, t) {
  s <- summary(fit, times = t, extend = TRUE)
  v <- c(surv = s$surv, se_greenwood = s$std.err, lcl = s$lower, ucl = s$upper, n_risk = s$n.risk)
  if (t > max(fit$time) && s$surv > 0) v[1:4] <- NA
  v
}

km <- function(name, d, outcome, group, times, label = group, analysis = outcome) {
  common <- rmeans(d, outcome, group, "common")
  for (conf in c("log", "log-log")) {
    prefix <- sprintf("%s~%s|conf=%s", analysis, label, conf)
    parts <- groups_of(d, group)
    for (i in seq_along(parts)) {
      fit <- survfit_of(parts[[i]], outcome, conf)
      v <- c(n = fit$n, events = sum(fit$n.event), quantiles(fit))
      if (conf == "log") v[c("rmean_tau=maxtime_common", "se_rmean")] <- common[i, ]
      add("km", name, prefix, names(parts)[i], v)
      for (t in times) add("km", name, paste0(prefix, "|t=", t), names(parts)[i], at_time(fit, t))
    }
  }
}

rmst <- function(name, d, outcome, group, tau) {
  values <- rmeans(d, outcome, group, tau)
  terms <- names(groups_of(d, group))
  for (i in seq_along(terms)) {
    stopifnot(max(groups_of(d, group)[[i]][[paste0(outcome, "_t")]]) >= tau)
    add("km", name, sprintf("%s~%s|rmst|tau=%s", outcome, group, tau), terms[i],
        setNames(values[i, ], c("rmst", "se_rmst")))
  }
}

# Follow-up: Kaplan-Meier with event and censoring exchanged.
followup <- function(name, d, outcome, group = "1") {
  d[[paste0(outcome, "_e")]] <- 1 - d[[paste0(outcome, "_e")]]
  analysis <- if (group == "1") outcome else sprintf("%s~%s", outcome, group)
  parts <- groups_of(d, group)
  for (term in names(parts)) {
    q <- quantiles(survfit_of(parts[[term]], outcome, "log"))[c("median", "median_lcl", "median_ucl")]
    add("km", name, paste0(analysis, "|reverseKM"), sub("^.*?=", "g=", term, perl = TRUE),
        setNames(q, c("median_followup", "lcl_log", "ucl_log")))
  }
}

years <- function(y) y * 365.25

km("veteran", veteran, "OS", "trt", c(90, 180))
km("veteran", veteran, "OS", "celltype", c(90, 180, 400))
km("veteran", veteran, "OS", "1", c(90, 180))
km("veteran[celltype=smallcell]", smallcell, "OS", "trt", c(30, 90, 400))
km("jasa", jasa, "OS", "transplant", c(90, 365), label = "transplant(naive)")
km("colon_wide", colon_wide, "OS", "rx", years(c(3, 5)))
km("colon_wide", colon_wide, "DFS", "rx", years(c(3, 5)))
km("colon_wide", colon_wide, "TTR", "rx", years(c(3, 5)), label = "rx(deaths censored)")
km("rotterdam", rotterdam, "OS", "hormon", years(c(5, 10)))
km("rotterdam", rotterdam, "RFS", "hormon", years(c(5, 10)))
km("gbsg", gbsg, "RFS", "hormon", c(years(c(1, 3, 5)), 2600))

rmst("veteran", veteran, "OS", "trt", 200)
rmst("rotterdam", rotterdam, "RFS", "hormon", years(5))
rmst("gbsg", gbsg, "RFS", "hormon", years(5))

followup("veteran", veteran, "OS")
followup("jasa", jasa, "OS")
followup("colon_wide", colon_wide, "OS")
followup("colon_wide", colon_wide, "OS", "rx")
followup("rotterdam", rotterdam, "OS")
followup("rotterdam", rotterdam, "OS", "hormon")
followup("gbsg", gbsg, "RFS")
followup("gbsg", gbsg, "RFS", "hormon")

# ---------------------------------------------------------------- log-rank

logrank <- function(name, d, outcome, group, strata = NULL, label = group) {
  right <- paste(c(group, if (!is.null(strata)) sprintf("strata(%s)", strata)), collapse = "+")
  fit <- survdiff(as.formula(sprintf("Surv(%s_t, %s_e) ~ %s", outcome, outcome, right)), d)
  analysis <- sprintf("%s~%s|logrank", outcome, sub(group, label, right, fixed = TRUE))
  terms <- names(groups_of(d, group))
  df <- length(terms) - 1
  add("logrank", name, analysis, "global", c(chisq = fit$chisq, df = df, p = p_chisq(fit$chisq, df)))
  observed <- rowSums(cbind(fit$obs))
  expected <- rowSums(cbind(fit$exp))
  for (i in seq_along(terms))
    add("logrank", name, analysis, terms[i], c(observed = observed[[i]], expected = expected[[i]]))
}

logrank("veteran", veteran, "OS", "trt")
logrank("veteran", veteran, "OS", "celltype")
logrank("veteran", veteran, "OS", "trt", strata = "celltype")
logrank("jasa", jasa, "OS", "transplant", label = "transplant(naive)")
logrank("colon_wide", colon_wide, "OS", "rx")
logrank("colon_wide", colon_wide, "DFS", "rx")
logrank("colon_wide[Obs,Lev+5FU]", colon_two, "OS", "rx")
for (outcome in c("OS", "RFS")) logrank("rotterdam", rotterdam, outcome, "hormon")
for (group in c("grade", "size")) logrank("rotterdam", rotterdam, "OS", group)
logrank("gbsg", gbsg, "RFS", "hormon")

# ---------------------------------------------------------------- Cox

# Every model is on the patients complete in its own variables; ties are Efron's (R's default).
coxph_of <- function(d, outcome, terms) {
  right <- paste(terms, collapse = " + ")
  f <- as.formula(sprintf("Surv(%s_t, %s_e) ~ %s", outcome, outcome, right))
  d <- d[complete.cases(d[all.vars(f)]), ]
  eval(bquote(coxph(.(f), data = .(d), ties = "efron")))
}

cox <- function(name, d, outcome, model, terms, lrt_of_terms = FALSE) {
  fit <- coxph_of(d, outcome, terms)
  analysis <- sprintf("%s|%s|ties=efron", outcome, model)
  coefs <- summary(fit)$coefficients
  for (term in rownames(coefs)) {
    b <- coefs[term, "coef"]
    se <- coefs[term, "se(coef)"]
    limits <- exp(b + qnorm(c(0.025, 0.975)) * se)
    add("cox", name, analysis, term, c(coef = b, se = se, z = b / se, p = 2 * pnorm(-abs(b / se)),
                                       hr = exp(b), hr_lcl = limits[1], hr_ucl = limits[2]))
  }
  df <- nrow(coefs)
  lrt <- 2 * diff(fit$loglik)
  wald <- as.vector(fit$wald.test)   # summary() rounds it to two decimals
  add("cox", name, analysis, "model", c(
    n = fit$n, nevent = fit$nevent, loglik_null = fit$loglik[1], loglik = fit$loglik[2],
    lrt_chisq = lrt, lrt_p = p_chisq(lrt, df), wald_chisq = wald, wald_p = p_chisq(wald, df),
    AIC = AIC(fit)))
  if (lrt_of_terms) {
    table <- drop1(fit, test = "Chisq")[-1, ]
    for (term in rownames(table))
      add("cox", name, sprintf("%s|%s|term_LRT(drop1)", outcome, model), term,
          c(chisq = table[term, "LRT"], df = table[term, "Df"], p = table[term, "Pr(>Chi)"]))
  }
}

univariable <- function(name, d, outcome, terms)
  for (term in terms) cox(name, d, outcome, paste0("uni:", term), term)

v <- c("trt", "celltype", "karno", "diagtime", "age", "prior")
univariable("veteran", veteran, "OS", v)
cox("veteran", veteran, "OS", "multi", v, lrt_of_terms = TRUE)
cox("veteran", veteran, "OS", "multi+strata(celltype)", c(setdiff(v, "celltype"), "strata(celltype)"))
cox("veteran", veteran, "OS", "trt_vs_ctrl_adj_karno_celltype", c("trt", "karno", "celltype"))

cox("jasa", jasa, "OS", "naive_transplant_only(immortal-time bias)", "transplant")
cox("jasa", jasa, "OS", "naive_multi", c("transplant", "age", "surgery"))

v <- c("rx", "sex", "age", "obstruct", "adhere", "factor(differ)", "factor(extent)", "surg", "node4")
univariable("colon_wide", colon_wide, "OS", c(v, "perfor", "nodes"))
cox("colon_wide", colon_wide, "OS", "multi", v, lrt_of_terms = TRUE)
cox("colon_wide", colon_wide, "DFS", "multi", v)
for (outcome in c("OS", "DFS", "TTR")) cox("colon_wide", colon_wide, outcome, "rx_only", "rx")

v <- c("hormon", "chemo", "age", "meno", "size", "grade", "nodes", "pgr", "er")
univariable("rotterdam", rotterdam, "OS", v)
cox("rotterdam", rotterdam, "OS", "multi", v, lrt_of_terms = TRUE)
cox("rotterdam", rotterdam, "RFS", "multi", v)

univariable("lung", lung, "OS",
            c("age", "sex", "ph.ecog", "ph.karno", "pat.karno", "meal.cal", "wt.loss"))
cox("lung", lung, "OS", "multi_completecase", c("age", "sex", "ph.ecog", "ph.karno", "wt.loss"))

v <- c("hormon", "age", "meno", "size", "factor(grade)", "nodes", "pgr", "er")
cox("gbsg", gbsg, "RFS", "multi", v)
cox("gbsg", gbsg, "RFS", "multi+strata(grade)", c(setdiff(v, "factor(grade)"), "strata(grade)"))

# ---------------------------------------------------------------- baseline tests

numeric_by <- function(name, d, group, v) {
  analysis <- paste("by", group)
  parts <- lapply(groups_of(d, group), function(part) part[[v]][!is.na(part[[v]])])
  for (term in names(parts)) {
    x <- parts[[term]]
    q <- quantile(x, c(0.5, 0.25, 0.75), type = 7)
    add("tests", name, analysis, paste0(v, "|", term),
        c(n = length(x), mean = mean(x), sd = sd(x), median = q[[1]], q1_type7 = q[[2]], q3_type7 = q[[3]]))
  }
  if (length(parts) != 2) return(invisible())
  a <- parts[[1]]
  b <- parts[[2]]
  welch <- t.test(a, b)
  student <- t.test(a, b, var.equal = TRUE)
  rank_sum <- function(correct) wilcox.test(a, b, exact = FALSE, correct = correct)
  add("tests", name, analysis, v, c(
    welch_t = welch$statistic[[1]], welch_df = welch$parameter[[1]], welch_p = welch$p.value,
    student_t = student$statistic[[1]], student_p = student$p.value,
    wilcox_W = rank_sum(TRUE)$statistic[[1]], wilcox_p_correct = rank_sum(TRUE)$p.value,
    wilcox_p_nocorrect = rank_sum(FALSE)$p.value))
}

# Percentages are of the patients of the group who are not missing; Yates' correction is for 2 x 2.
# Fisher's test is for 2 x k tables; fisher = FALSE where R itself gives up on the table.
category_by <- function(name, d, group, v, fisher = TRUE) {
  analysis <- paste("by", group)
  counts <- table(d[[v]], d[[group]])
  for (level in rownames(counts)) for (g in colnames(counts)) {
    n <- counts[level, g]
    add("tests", name, analysis, sprintf("%s=%s|%s=%s", v, level, group, g),
        c(n = n, pct_of_nonmissing = 100 * n / sum(counts[, g])))
  }
  test <- suppressWarnings(chisq.test(counts, correct = FALSE))
  values <- c(n_missing = sum(is.na(d[[v]])), chisq_nocorrect = test$statistic[[1]],
              chisq_df = test$parameter[[1]], chisq_p_nocorrect = test$p.value,
              min_expected = min(test$expected))
  if (all(dim(counts) == 2)) {
    yates <- suppressWarnings(chisq.test(counts, correct = TRUE))
    values <- c(values, chisq_yates = yates$statistic[[1]], chisq_p_yates = yates$p.value)
  }
  if (fisher && any(dim(counts) == 2)) values["fisher_p"] <- fisher.test(counts)$p.value
  add("tests", name, analysis, v, values)
}

by <- function(name, d, group, numeric, category) {
  for (v in numeric) numeric_by(name, d, group, v)
  for (v in category) category_by(name, d, group, v)
}

by("veteran", veteran, "trt", c("karno", "diagtime", "age", "time"), c("celltype", "prior", "status"))
by("lung", lung, "sex", c("age", "ph.karno", "pat.karno", "meal.cal", "wt.loss"), c("ph.ecog", "status"))
by("colon_wide", colon_wide, "rx", c("age", "nodes"),
   c("sex", "obstruct", "perfor", "adhere", "differ", "extent", "surg", "node4"))
by("rotterdam", rotterdam, "hormon", c("age", "nodes", "pgr", "er"), c("meno", "size", "grade", "chemo"))
category_by("rotterdam", rotterdam, "hormon", "year", fisher = FALSE)
by("pbc", pbc, "trt", c("age", "bili", "chol", "albumin", "copper", "alk.phos", "ast", "trig",
                        "platelet", "protime"),
   c("sex", "ascites", "hepato", "spiders", "edema", "stage"))

# ---------------------------------------------------------------- write

for (file in c("km", "logrank", "cox", "tests")) save(file)
writeLines(c(paste("R", getRversion()), paste("survival", packageDescription("survival")$Version)),
           file.path(here, "versions.txt"))
