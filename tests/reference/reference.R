# Reference values for the tests, computed by R's package survival on its own data sets.
# Run: Rscript tests/reference/reference.R     Writes next to itself versions.txt and six tables,
# km.csv, logrank.csv, cox.csv, zph.csv, counting.csv and tests.csv: dataset,analysis,term,statistic,value.
# Cox models are run to eps = 1e-12: at R's default of 1e-9 a slow one stops 2e-6 short of its maximum.
# Times are in days or as the data set has them; NA is "not reached" or "no estimate".

suppressPackageStartupMessages(library(survival))

here <- dirname(normalizePath(sub("^--file=", "", grep("^--file=", commandArgs(FALSE), value = TRUE))))
rows <- list()

add <- function(file, dataset, analysis, term, values) {
  value <- ifelse(is.na(values), "NA", sprintf("%.12g", values))
  rows[[file]] <<- rbind(rows[[file]], data.frame(dataset, analysis, term, statistic = names(values), value))
}

p_chisq <- function(chisq, df) pchisq(chisq, df, lower.tail = FALSE)
years <- function(y) y * 365.25

# The patients of each level, named as R names strata; group "1" is everybody.
groups_of <- function(d, group) {
  if (group == "1") return(list(all = d))
  g <- factor(d[[group]])
  setNames(split(d, g), paste0(group, "=", levels(g)))
}

# ---- data: each outcome is a pair of columns, time (_t) and event (_e)

veteran$trt <- factor(veteran$trt, 1:2, c("standard", "test"))
veteran$prior <- factor(veteran$prior, c(0, 10), c("no", "yes"))
veteran[c("OS_t", "OS_e")] <- veteran[c("time", "status")]
lung[c("OS_t", "OS_e")] <- list(lung$time, as.numeric(lung$status == 2))
jasa[c("OS_t", "OS_e")] <- jasa[c("futime", "fustat")]
gbsg[c("RFS_t", "RFS_e")] <- gbsg[c("rfstime", "status")]
pbc <- pbc[!is.na(pbc$trt), ]
# RFS is the first of recurrence and death: a death without recurrence counts at the time of death.
rotterdam[c("OS_t", "OS_e")] <- rotterdam[c("dtime", "death")]
rotterdam$RFS_t <- with(rotterdam, ifelse(recur == 1, rtime, dtime))
rotterdam$RFS_e <- with(rotterdam, pmax(recur, death))

# colon has two rows a patient (etype 1 recurrence, 2 death) with the same covariates.
colon_wide <- colon[colon$etype == 2, ]
recurrence <- colon[colon$etype == 1, ]
stopifnot(identical(colon_wide$id, recurrence$id))
colon_wide[c("OS_t", "OS_e")] <- colon_wide[c("time", "status")]
colon_wide[c("TTR_t", "TTR_e")] <- recurrence[c("time", "status")]
colon_wide$DFS_t <- with(colon_wide, pmin(OS_t, TTR_t))
colon_wide$DFS_e <- with(colon_wide, pmax(OS_e, TTR_e))

# ---- Kaplan-Meier: one curve per group

survfit_of <- function(d, outcome, conf, group = "1") {
  survfit(as.formula(sprintf("Surv(%s_t, %s_e) ~ %s", outcome, outcome, group)), d, conf.type = conf)
}

quantiles <- function(fit) {
  q <- quantile(fit, c(0.5, 0.25, 0.75))
  labels <- outer(c("", "_lcl", "_ucl"), c("median", "q25", "q75"), function(a, b) paste0(b, a))
  setNames(as.vector(rbind(q$quantile, q$lower, q$upper)), labels)
}

# Restricted means and standard errors, a row per group, as print(fit, rmean = tau) shows them.
# tau = "common" is the longest time of all groups: a shorter curve is drawn on at its last value.
rmeans <- function(d, outcome, group, tau) {
  rbind(summary(survfit_of(d, outcome, "log", group), rmean = tau)$table)[, c("rmean", "se(rmean)"), drop = FALSE]
}

# After a group's last time R gives no estimate unless asked to extend the curve. After a final event
# the curve stays at 0 (standard error and interval NA); after a final censoring it is unknown.
at_time <- function(fit, t) {
  s <- summary(fit, times = t, extend = TRUE)
  v <- c(surv = s$surv, se_greenwood = s$std.err, lcl = s$lower, ucl = s$upper, n_risk = s$n.risk)
  if (t > max(fit$time) && s$surv > 0) v[1:4] <- NA
  v
}

km <- function(name, d, outcome, group, times, label = group) {
  parts <- groups_of(d, group)
  common <- rmeans(d, outcome, group, "common")
  for (conf in c("log", "log-log")) for (i in seq_along(parts)) {
    analysis <- sprintf("%s~%s|conf=%s", outcome, label, conf)
    fit <- survfit_of(parts[[i]], outcome, conf)
    v <- c(n = fit$n, events = sum(fit$n.event), quantiles(fit))
    if (conf == "log") v[c("rmean_tau=maxtime_common", "se_rmean")] <- common[i, ]
    add("km", name, analysis, names(parts)[i], v)
    for (t in times) add("km", name, paste0(analysis, "|t=", t), names(parts)[i], at_time(fit, t))
  }
}

rmst <- function(name, d, outcome, group, tau) {
  parts <- groups_of(d, group)
  stopifnot(sapply(parts, function(part) max(part[[paste0(outcome, "_t")]])) >= tau)
  means <- rmeans(d, outcome, group, tau)
  colnames(means) <- c("rmst", "se_rmst")
  analysis <- sprintf("%s~%s|rmst|tau=%s", outcome, group, tau)
  for (i in seq_along(parts)) add("km", name, analysis, names(parts)[i], means[i, ])
}

# Follow-up: Kaplan-Meier with event and censoring exchanged.
followup <- function(name, d, outcome, group = "1") {
  d[[paste0(outcome, "_e")]] <- 1 - d[[paste0(outcome, "_e")]]
  parts <- groups_of(d, group)
  analysis <- paste0(outcome, if (group != "1") paste0("~", group), "|reverseKM")
  for (term in names(parts)) {
    v <- quantiles(survfit_of(parts[[term]], outcome, "log"))[1:3]
    add("km", name, analysis, sub("^[^=]*=", "g=", term), setNames(v, c("median_followup", "lcl_log", "ucl_log")))
  }
}

for (group in c("trt", "1")) km("veteran", veteran, "OS", group, c(90, 180))
km("veteran", veteran, "OS", "celltype", c(90, 180, 400))
km("veteran[celltype=smallcell]", subset(veteran, celltype == "smallcell"), "OS", "trt", c(30, 90, 400))
km("jasa", jasa, "OS", "transplant", c(90, 365), "transplant(naive)")
for (outcome in c("OS", "DFS")) km("colon_wide", colon_wide, outcome, "rx", years(c(3, 5)))
km("colon_wide", colon_wide, "TTR", "rx", years(c(3, 5)), "rx(deaths censored)")
for (outcome in c("OS", "RFS")) km("rotterdam", rotterdam, outcome, "hormon", years(c(5, 10)))
km("gbsg", gbsg, "RFS", "hormon", c(years(c(1, 3, 5)), 365, 1095, 1826, 2600))
# Followed to the last whole day of five years and no further, though five years are 1826.25 days.
ended <- transform(gbsg, RFS_e = ifelse(rfstime <= 1826, status, 0), RFS_t = pmin(rfstime, 1826))
km("gbsg[to day 1826]", ended, "RFS", "hormon", c(365, 1826))

rmst("veteran", veteran, "OS", "trt", 200)
rmst("rotterdam", rotterdam, "RFS", "hormon", years(5))
rmst("gbsg", gbsg, "RFS", "hormon", 1826)
rmst("gbsg[to day 1826]", ended, "RFS", "hormon", 1826)
followup("veteran", veteran, "OS")
followup("jasa", jasa, "OS")
for (group in c("1", "rx")) followup("colon_wide", colon_wide, "OS", group)
for (group in c("1", "hormon")) followup("rotterdam", rotterdam, "OS", group)
for (group in c("1", "hormon")) followup("gbsg", gbsg, "RFS", group)

# ---- log-rank

logrank <- function(name, d, outcome, group, strata = "", label = group) {
  fit <- survdiff(as.formula(sprintf("Surv(%s_t, %s_e) ~ %s%s", outcome, outcome, group, strata)), d)
  analysis <- sprintf("%s~%s%s|logrank", outcome, label, strata)
  terms <- names(groups_of(d, group))
  df <- length(terms) - 1
  add("logrank", name, analysis, "global", c(chisq = fit$chisq, df = df, p = p_chisq(fit$chisq, df)))
  sums <- data.frame(observed = rowSums(cbind(fit$obs)), expected = rowSums(cbind(fit$exp)))
  for (i in seq_along(terms)) add("logrank", name, analysis, terms[i], unlist(sums[i, ]))
}

for (group in c("trt", "celltype")) logrank("veteran", veteran, "OS", group)
logrank("veteran", veteran, "OS", "trt", strata = "+strata(celltype)")
logrank("jasa", jasa, "OS", "transplant", label = "transplant(naive)")
for (outcome in c("OS", "DFS")) logrank("colon_wide", colon_wide, outcome, "rx")
logrank("colon_wide[Obs,Lev+5FU]", subset(colon_wide, rx != "Lev"), "OS", "rx")
for (outcome in c("OS", "RFS")) logrank("rotterdam", rotterdam, outcome, "hormon")
for (group in c("grade", "size")) logrank("rotterdam", rotterdam, "OS", group)
logrank("gbsg", gbsg, "RFS", "hormon")

# ---- Cox, Efron ties, each model on the patients complete in its own variables

cox <- function(name, d, outcome, model, terms, drop_terms = FALSE) {
  f <- as.formula(sprintf("Surv(%s_t, %s_e) ~ %s", outcome, outcome, paste(terms, collapse = " + ")))
  fit <- do.call(coxph, list(f, data = d[complete.cases(d[all.vars(f)]), ], ties = "efron",
                             control = coxph.control(eps = 1e-12, toler.chol = 1e-13, iter.max = 100)))
  analysis <- sprintf("%s|%s|ties=efron", outcome, model)
  for (term in names(coef(fit))) {
    b <- coef(fit)[[term]]
    se <- sqrt(diag(fit$var))[names(coef(fit)) == term]
    hr <- exp(b + c(0, qnorm(c(0.025, 0.975))) * se)
    add("cox", name, analysis, term, c(coef = b, se = se, z = b / se, p = 2 * pnorm(-abs(b / se)),
                                       hr = hr[1], hr_lcl = hr[2], hr_ucl = hr[3]))
  }
  df <- length(coef(fit))
  lrt <- 2 * diff(fit$loglik)
  wald <- as.vector(fit$wald.test)   # summary(fit) has it rounded to two decimals
  add("cox", name, analysis, "model", c(
    n = fit$n, nevent = fit$nevent, loglik_null = fit$loglik[1], loglik = fit$loglik[2], lrt_chisq = lrt,
    lrt_p = p_chisq(lrt, df), wald_chisq_unrounded = wald, wald_p = p_chisq(wald, df), AIC = AIC(fit)))
  if (drop_terms) {
    dropped <- drop1(fit, test = "Chisq")[-1, c("LRT", "Df", "Pr(>Chi)")]
    names(dropped) <- c("chisq", "df", "p")
    for (term in rownames(dropped))
      add("cox", name, sprintf("%s|%s|term_LRT(drop1)", outcome, model), term, unlist(dropped[term, ]))
  }
}

univariable <- function(name, d, outcome, terms) for (v in terms) cox(name, d, outcome, paste0("uni:", v), v)

v <- c("trt", "celltype", "karno", "diagtime", "age", "prior")
univariable("veteran", veteran, "OS", v)
cox("veteran", veteran, "OS", "multi", v, drop_terms = TRUE)
cox("veteran", veteran, "OS", "multi+strata(celltype)", c(setdiff(v, "celltype"), "strata(celltype)"))
cox("veteran", veteran, "OS", "trt_vs_ctrl_adj_karno_celltype", c("trt", "karno", "celltype"))
cox("jasa", jasa, "OS", "naive_transplant_only(immortal-time bias)", "transplant")
cox("jasa", jasa, "OS", "naive_multi", c("transplant", "age", "surgery"))

v <- c("rx", "sex", "age", "obstruct", "adhere", "factor(differ)", "factor(extent)", "surg", "node4")
univariable("colon_wide", colon_wide, "OS", c(v, "perfor", "nodes"))
cox("colon_wide", colon_wide, "OS", "multi", v, drop_terms = TRUE)
cox("colon_wide", colon_wide, "DFS", "multi", v)
for (outcome in c("OS", "DFS", "TTR")) cox("colon_wide", colon_wide, outcome, "rx_only", "rx")

v <- c("hormon", "chemo", "age", "meno", "size", "grade", "nodes", "pgr", "er")
univariable("rotterdam", rotterdam, "OS", v)
cox("rotterdam", rotterdam, "OS", "multi", v, drop_terms = TRUE)
cox("rotterdam", rotterdam, "RFS", "multi", v)
univariable("lung", lung, "OS", c("age", "sex", "ph.ecog", "ph.karno", "pat.karno", "meal.cal", "wt.loss"))
cox("lung", lung, "OS", "multi_completecase", c("age", "sex", "ph.ecog", "ph.karno", "wt.loss"))

v <- c("hormon", "age", "meno", "size", "factor(grade)", "nodes", "pgr", "er")
cox("gbsg", gbsg, "RFS", "multi", v)
cox("gbsg", gbsg, "RFS", "multi+strata(grade)", c(setdiff(v, "factor(grade)"), "strata(grade)"))

# ---- proportional hazards: R's score test, on models run to eps = 1e-12

zph <- function(name, d, outcome, terms) {
  f <- as.formula(sprintf("Surv(%s_t, %s_e) ~ %s", outcome, outcome, paste(terms, collapse = " + ")))
  fit <- do.call(coxph, list(f, data = d[complete.cases(d[all.vars(f)]), ],
                             control = coxph.control(eps = 1e-12, toler.chol = 1e-13, iter.max = 100)))
  for (transform in c("km", "identity", "log", "rank")) {
    table <- cox.zph(fit, transform = transform)$table
    analysis <- sprintf("%s|%s|zph=%s", outcome, paste(terms, collapse = "+"), transform)
    for (term in rownames(table)) add("zph", name, analysis, term, setNames(table[term, ], c("chisq", "df", "p")))
  }
}

zph("veteran", veteran, "OS", c("trt", "celltype", "karno", "diagtime", "age", "prior"))
zph("veteran", veteran, "OS", c("trt", "karno", "age", "strata(celltype)"))
zph("lung", lung, "OS", c("age", "sex", "ph.ecog", "wt.loss"))
zph("colon_wide", colon_wide, "DFS", c("rx", "sex", "age", "obstruct", "factor(extent)", "node4"))
zph("rotterdam", rotterdam, "RFS", c("hormon", "age", "size", "grade", "nodes", "pgr"))
zph("gbsg", gbsg, "RFS", c("hormon", "age", "meno", "factor(grade)", "nodes", "pgr"))

scaled <- function(name, d, outcome, terms) {
  f <- as.formula(sprintf("Surv(%s_t, %s_e) ~ %s", outcome, outcome, paste(terms, collapse = " + ")))
  fit <- do.call(coxph, list(f, data = d, control = coxph.control(eps = 1e-12, toler.chol = 1e-13, iter.max = 100)))
  r <- residuals(fit, "scaledsch")[, 1]
  analysis <- sprintf("%s|%s|scaledsch", outcome, paste(terms, collapse = "+"))
  add("zph", name, analysis, terms[1], c(n = length(r), sum = sum(r), sum_squares = sum(r^2)))
}

scaled("gbsg", gbsg, "RFS", c("hormon", "age", "meno", "size", "factor(grade)", "nodes", "pgr", "er"))

# ---- Cox on intervals (start, stop], with weights, strata, clusters and either method for ties

heart$transplant <- as.numeric(heart$transplant == "1")
heart$w <- (heart$id %% 3 + 1) / 2
veteran$w <- (veteran$diagtime %% 5 + 1) / 3
veteran$adeno <- as.numeric(veteran$celltype == "adeno")

counting <- function(name, d, response, terms, cluster, ties, weighted) {
  f <- as.formula(paste(response, "~", paste(terms, collapse = " + ")))
  fit <- do.call(coxph, list(f, data = d, ties = ties, weights = if (weighted) d$w, cluster = d[[cluster]],
                             control = coxph.control(eps = 1e-12, toler.chol = 1e-13, iter.max = 100)))
  analysis <- sprintf("%s|cluster=%s|ties=%s|weighted=%s", paste(terms, collapse = "+"), cluster, ties, weighted)
  score <- rbind(residuals(fit, "score"))
  for (i in seq_along(coef(fit)))
    add("counting", name, analysis, names(coef(fit))[i],
        c(coef = coef(fit)[[i]], se = sqrt(fit$naive.var[i, i]), robust_se = sqrt(fit$var[i, i]),
          score_squares = sum(cbind(score)[, i]^2)))
  add("counting", name, analysis, "model", c(loglik_null = fit$loglik[1], loglik = fit$loglik[2]))
}

for (ties in c("efron", "breslow")) for (weighted in c(FALSE, TRUE)) {
  counting("heart", heart, "Surv(start, stop, event)", c("age", "year", "surgery", "transplant"), "id", ties, weighted)
  counting("heart", heart, "Surv(start, stop, event)", c("age", "transplant", "strata(surgery)"), "id", ties, weighted)
  counting("veteran", veteran, "Surv(time, status)", c("karno", "age", "adeno"), "diagtime", ties, weighted)
}

# ---- baseline: summaries by group and tests of two groups

numeric_by <- function(name, d, group, v) {
  parts <- lapply(groups_of(d, group), function(part) part[[v]][!is.na(part[[v]])])
  for (term in names(parts)) {
    x <- parts[[term]]
    q <- setNames(quantile(x, c(0.5, 0.25, 0.75), type = 7), c("median", "q1_type7", "q3_type7"))
    add("tests", name, paste("by", group), paste0(v, "|", term), c(n = length(x), mean = mean(x), sd = sd(x), q))
  }
  if (length(parts) != 2) return(invisible())
  welch <- t.test(parts[[1]], parts[[2]])
  student <- t.test(parts[[1]], parts[[2]], var.equal = TRUE)
  rank_sum <- function(correct) wilcox.test(parts[[1]], parts[[2]], exact = FALSE, correct = correct)
  add("tests", name, paste("by", group), v, c(
    welch_t = welch$statistic[[1]], welch_df = welch$parameter[[1]], welch_p = welch$p.value,
    student_t = student$statistic[[1]], student_p = student$p.value, wilcox_W = rank_sum(TRUE)$statistic[[1]],
    wilcox_p_correct = rank_sum(TRUE)$p.value, wilcox_p_nocorrect = rank_sum(FALSE)$p.value))
}

# Yates' correction is for 2 x 2, Fisher's test for 2 x k; on 2 x 16 (rotterdam's year) R itself gives up.
category_by <- function(name, d, group, v) {
  counts <- table(d[[v]], d[[group]])
  for (level in rownames(counts)) for (g in colnames(counts)) {
    share <- c(n = counts[level, g], pct_of_nonmissing = 100 * counts[level, g] / sum(counts[, g]))
    add("tests", name, paste("by", group), sprintf("%s=%s|%s=%s", v, level, group, g), share)
  }
  chisq <- function(correct) suppressWarnings(chisq.test(counts, correct = correct))
  plain <- chisq(FALSE)
  values <- c(n_missing = sum(is.na(d[[v]])), chisq_nocorrect = plain$statistic[[1]], chisq_df = plain$parameter[[1]],
              chisq_p_nocorrect = plain$p.value, min_expected = min(plain$expected))
  if (all(dim(counts) == 2))
    values[c("chisq_yates", "chisq_p_yates")] <- c(chisq(TRUE)$statistic, chisq(TRUE)$p.value)
  if (any(dim(counts) == 2) && max(dim(counts)) < 16) values["fisher_p"] <- fisher.test(counts)$p.value
  add("tests", name, paste("by", group), v, values)
}

by <- function(name, d, group, numeric, category) {
  for (v in numeric) numeric_by(name, d, group, v)
  for (v in category) category_by(name, d, group, v)
}

by("veteran", veteran, "trt", c("karno", "diagtime", "age", "time"), c("celltype", "prior", "status"))
by("lung", lung, "sex", c("age", "ph.karno", "pat.karno", "meal.cal", "wt.loss"), c("ph.ecog", "status"))
by("colon_wide", colon_wide, "rx", c("age", "nodes"),
   c("sex", "obstruct", "perfor", "adhere", "differ", "extent", "surg", "node4"))
by("rotterdam", rotterdam, "hormon", c("age", "nodes", "pgr", "er"), c("meno", "size", "grade", "chemo", "year"))
by("pbc", pbc, "trt", c("age", "bili", "chol", "albumin", "copper", "alk.phos", "ast", "trig", "platelet", "protime"),
   c("sex", "ascites", "hepato", "spiders", "edema", "stage"))

for (file in names(rows)) {
  stopifnot(!anyDuplicated(rows[[file]][1:4]))
  cells <- sapply(rows[[file]], function(x) ifelse(grepl(",", x), dQuote(x, FALSE), x))
  write.csv(cells, file.path(here, paste0(file, ".csv")), row.names = FALSE, quote = FALSE)
}
writeLines(c(paste("R", getRversion()), paste("survival", packageDescription("survival")$Version)),
           file.path(here, "versions.txt"))
