# Reference values for the effect of treatment in subgroups, computed by R's package survival on its own data sets.
# Run: Rscript tests/reference/subgroups.R     Writes subgroups.csv next to itself:
# dataset,analysis,term,statistic,value, where analysis is outcome|treatment|covariates and NA is "no estimate".
# Models are run to eps = 1e-12, on the patients complete in the subgroup's variable and the covariates.
# Effects in levels and `stratified:` tests come from one model: strata(variable), treatment in each level, covariates;
# `interaction:` tests have one baseline hazard. `ratio:` is a level's hazard ratio over the first level's.
# A product that its level's patients cannot tell (one arm alone) is NA in R; a test without any other is written as NA.

suppressPackageStartupMessages(library(survival))

here <- dirname(normalizePath(sub("^--file=", "", grep("^--file=", commandArgs(FALSE), value = TRUE))))
rows <- NULL

add <- function(dataset, analysis, term, values) {
  value <- ifelse(is.na(values), "NA", sprintf("%.12g", values))
  rows <<- rbind(rows, data.frame(dataset, analysis, term, statistic = names(values), value))
}

# ---- data: each outcome is a pair of columns, time (_t) and event (_e); below a cut-point comes first

cut_at <- function(x, at) factor(ifelse(x < at, "below", "above"), c("below", "above"))

veteran$trt <- factor(veteran$trt, 1:2, c("standard", "test"))
veteran$prior <- factor(veteran$prior, c(0, 10), c("no", "yes"))
veteran[c("OS_t", "OS_e")] <- veteran[c("time", "status")]
veteran$age60 <- cut_at(veteran$age, 60)
veteran$karno60 <- cut_at(veteran$karno, 60)

rotterdam$hormon <- factor(rotterdam$hormon)
rotterdam[c("OS_t", "OS_e")] <- rotterdam[c("dtime", "death")]
rotterdam$RFS_t <- with(rotterdam, ifelse(recur == 1, rtime, dtime))
rotterdam$RFS_e <- with(rotterdam, pmax(recur, death))
rotterdam$age65 <- cut_at(rotterdam$age, 65)
# No node-negative woman had hormonal therapy: of two levels none can be compared, of three two.
rotterdam$npos <- factor(ifelse(rotterdam$nodes < 1, "neg", "pos"))
rotterdam$nodal <- factor(findInterval(rotterdam$nodes, c(1, 4)), 0:2, c("none", "few", "many"))

# colon has two rows a patient (etype 1 recurrence, 2 death) with the same covariates.
colon_wide <- colon[colon$etype == 2, ]
recurrence <- colon[colon$etype == 1, ]
stopifnot(identical(colon_wide$id, recurrence$id))
colon_wide[c("OS_t", "OS_e")] <- colon_wide[c("time", "status")]
colon_wide$DFS_t <- pmin(colon_wide$time, recurrence$time)
colon_wide$DFS_e <- pmax(colon_wide$status, recurrence$status)
colon_wide <- droplevels(subset(colon_wide, rx != "Lev"))
colon_wide$age60 <- cut_at(colon_wide$age, 60)
for (v in c("sex", "obstruct", "adhere", "differ", "extent", "node4", "surg"))
  colon_wide[[v]] <- factor(colon_wide[[v]])

# ---- models

model <- function(d, outcome, terms) {
  f <- as.formula(sprintf("Surv(%s_t, %s_e) ~ %s", outcome, outcome, paste(terms, collapse = " + ")))
  do.call(coxph, list(f, data = d, ties = "efron",
                      control = coxph.control(eps = 1e-12, toler.chol = 1e-13, iter.max = 100)))
}

# Sizes by arm; the hazard ratio is given where both arms have events.
sizes <- function(d, outcome, arm) {
  size <- table(d[[arm]])
  dead <- table(d[d[[paste0(outcome, "_e")]] == 1, arm])
  c(n = nrow(d), nevent = sum(dead), n_reference = size[[1]], nevent_reference = dead[[1]],
    n_treated = size[[2]], nevent_treated = dead[[2]])
}

told <- function(b, se) c(coef = b, se = se, p = 2 * pnorm(-abs(b / se)), hr = exp(b),
                          hr_lcl = exp(b - qnorm(0.975) * se), hr_ucl = exp(b + qnorm(0.975) * se))

effect <- function(d, outcome, arm, covariates) {
  v <- sizes(d, outcome, arm)
  e <- told(NA, NA)
  if (v[["nevent_reference"]] > 0 && v[["nevent_treated"]] > 0) {
    fit <- model(d, outcome, c(arm, covariates))
    e <- told(coef(fit)[[1]], sqrt(fit$var[1, 1]))
  }
  c(v, e)
}

# Levels in which both arms have events, each with a treatment column of its own, the baseline hazard free in each.
stratified <- function(d, outcome, arm, variable, covariates) {
  event <- d[[paste0(outcome, "_e")]] == 1
  compared <- names(which(apply(table(d[event, variable], d[event, arm]) > 0, 1, all)))
  treated <- as.numeric(d[[arm]] == levels(d[[arm]])[2])
  columns <- sprintf("in_%d", seq_along(compared))
  for (i in seq_along(compared)) d[[columns[i]]] <- treated * (d[[variable]] == compared[i])
  d$in_any <- treated * (d[[variable]] %in% compared)
  terms <- c(covariates, sprintf("strata(%s)", variable))
  full <- model(d, outcome, c(columns, terms))
  b <- coef(full)[columns]
  v <- vcov(full)[columns, columns, drop = FALSE]
  found <- list(levels = compared, effects = lapply(seq_along(compared), function(i) told(b[[i]], sqrt(v[i, i]))))
  k <- length(compared)
  found$tests <- c(df = NA, lrt_p = NA, wald_p = NA)
  if (k > 1) {
    reduced <- model(d, outcome, c("in_any", terms))
    m <- cbind(-1, diag(k - 1))
    d_b <- as.vector(m %*% b)
    d_v <- m %*% v %*% t(m)
    lrt <- 2 * (full$loglik[2] - reduced$loglik[2])
    wald <- as.vector(d_b %*% solve(d_v, d_b))
    found$tests[] <- c(k - 1, pchisq(c(lrt, wald), k - 1, lower.tail = FALSE))
    found$ratios <- lapply(seq_len(k - 1), function(i) {
      se <- sqrt(d_v[i, i])
      far <- (qnorm(0.975) + qnorm(0.8)) * se
      c(told(d_b[i], se), detectable_low = exp(-far), detectable_high = exp(far))
    })
  }
  found
}

interaction_tests <- function(d, outcome, arm, variable, covariates) {
  reduced <- model(d, outcome, c(arm, variable, covariates))
  full <- model(d, outcome, c(arm, variable, covariates, paste0(arm, ":", variable)))
  b <- coef(full)[grep(":", names(coef(full)))]
  known <- names(b)[!is.na(b)]
  df <- length(known)
  v <- c(n = full$n, nevent = full$nevent, df = NA, lrt_p = NA, wald_p = NA)
  if (df > 0) {
    wald <- as.vector(b[known] %*% solve(vcov(full)[known, known], b[known]))
    lrt <- 2 * (full$loglik[2] - reduced$loglik[2])
    v[c("df", "lrt_p", "wald_p")] <- c(df, pchisq(c(lrt, wald), df, lower.tail = FALSE))
  }
  v
}

subgroups <- function(dataset, d, outcome, arm, variables, covariates = NULL) {
  analysis <- paste(outcome, arm, if (length(covariates)) paste(covariates, collapse = "+") else "unadjusted", sep = "|")
  complete <- function(names) d[complete.cases(d[names]), ]
  add(dataset, analysis, "Overall", effect(complete(c(arm, covariates)), outcome, arm, covariates))
  tests <- list(interaction = list(), stratified = list())
  for (variable in variables) {
    others <- setdiff(covariates, variable)
    known <- complete(c(arm, variable, others))
    known[[variable]] <- factor(known[[variable]])
    found <- stratified(known, outcome, arm, variable, others)
    for (level in levels(known[[variable]])) {
      own <- match(level, found$levels)
      add(dataset, analysis, paste0(variable, "=", level),
          c(sizes(known[known[[variable]] == level, ], outcome, arm),
            if (is.na(own)) told(NA, NA) else found$effects[[own]]))
    }
    for (i in seq_along(found$ratios))
      add(dataset, analysis, paste0("ratio:", variable, "=", found$levels[i + 1]), found$ratios[[i]])
    tests$interaction[[variable]] <- interaction_tests(known, outcome, arm, variable, others)
    tests$stratified[[variable]] <- c(tests$interaction[[variable]][c("n", "nevent")], found$tests)
  }
  for (kind in names(tests)) {
    p <- sapply(tests[[kind]], function(each) each[["lrt_p"]])
    adjusted <- setNames(rep(NA, length(p)), names(p))
    adjusted[!is.na(p)] <- p.adjust(p[!is.na(p)], "holm")
    for (variable in variables)
      add(dataset, analysis, paste0(kind, ":", variable),
          c(tests[[kind]][[variable]], n_tested = sum(!is.na(p)), holm_p = adjusted[[variable]]))
  }
}

v <- c("celltype", "prior", "age60", "karno60")
subgroups("veteran", veteran, "OS", "trt", v)
subgroups("veteran", veteran, "OS", "trt", v, c("karno", "prior"))

v <- c("meno", "size", "grade", "npos", "nodal", "age65", "chemo")
subgroups("rotterdam", rotterdam, "OS", "hormon", v)
subgroups("rotterdam", rotterdam, "RFS", "hormon", v, c("age", "nodes", "grade", "size"))

v <- c("sex", "age60", "obstruct", "adhere", "differ", "node4", "surg")
for (outcome in c("OS", "DFS")) {
  subgroups("colon_wide[Obs,Lev+5FU]", colon_wide, outcome, "rx", c(v, "extent"))
  subgroups("colon_wide[Obs,Lev+5FU]", colon_wide, outcome, "rx", v, c("age", "differ", "node4"))
}

stopifnot(!anyDuplicated(rows[1:4]))
cells <- sapply(rows, function(x) ifelse(grepl(",", x), dQuote(x, FALSE), x))
write.csv(cells, file.path(here, "subgroups.csv"), row.names = FALSE, quote = FALSE)
