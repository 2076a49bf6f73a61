# Reference values for restricted cubic splines in Cox models, on the data sets of R's package survival.
# Run: Rscript tests/reference/splines.R     Writes next to itself splines.csv: dataset,analysis,term,statistic,value.
# Last run with R 4.2.2, survival 3.5-3 and Hmisc 4.8-0. Basis and knots are those of Hmisc's rcspline.eval; fractied = 1
# switches off its own way with values that tie at either end, which the literature does not have.
# Cox models are run to eps = 1e-12, as in reference.R; rms::cph is not used, its default of 1e-4 stops early. They are
# fitted in orthogonal columns and taken back: in the terms themselves, which for a skewed variable are nearly the same
# column, coxph's standard errors are right to five digits only (rotterdam pgr, five knots).

suppressPackageStartupMessages({
  library(survival)
  library(Hmisc)
})

here <- dirname(normalizePath(sub("^--file=", "", grep("^--file=", commandArgs(FALSE), value = TRUE))))
rows <- list()

add <- function(dataset, analysis, term, values) {
  rows[[length(rows) + 1]] <<- data.frame(dataset, analysis, term, statistic = names(values),
                                          value = sprintf("%.12g", values))
}

# ---- data: each outcome is a pair of columns, time (_t) and event (_e), as in reference.R

veteran$trt <- factor(veteran$trt, 1:2, c("standard", "test"))
veteran[c("OS_t", "OS_e")] <- veteran[c("time", "status")]
lung[c("OS_t", "OS_e")] <- list(lung$time, as.numeric(lung$status == 2))
gbsg[c("RFS_t", "RFS_e")] <- gbsg[c("rfstime", "status")]
rotterdam[c("OS_t", "OS_e")] <- rotterdam[c("dtime", "death")]
rotterdam$RFS_t <- with(rotterdam, ifelse(recur == 1, rtime, dtime))
rotterdam$RFS_e <- with(rotterdam, pmax(recur, death))
colon_wide <- colon[colon$etype == 2, ]
recurrence <- colon[colon$etype == 1, ]
stopifnot(identical(colon_wide$id, recurrence$id))
colon_wide[c("OS_t", "OS_e")] <- colon_wide[c("time", "status")]
colon_wide$DFS_t <- pmin(colon_wide$time, recurrence$time)
colon_wide$DFS_e <- pmax(colon_wide$status, recurrence$status)

cox <- function(d, terms) {
  f <- as.formula(paste("Surv(t, e) ~", paste(terms, collapse = " + ")))
  coxph(f, d, control = coxph.control(eps = 1e-12, toler.chol = 1e-13, iter.max = 100))
}

wald <- function(fit, which) {
  b <- coef(fit)[which]
  chisq <- drop(b %*% solve(vcov(fit)[which, which, drop = FALSE], b))
  c(wald_chisq = chisq, df = length(b), wald_p = pchisq(chisq, length(b), lower.tail = FALSE))
}

ratio <- function(fit, less, df) {
  chisq <- 2 * (logLik(fit)[1] - logLik(less)[1])
  c(lrt_chisq = chisq, lrt_p = pchisq(chisq, df, lower.tail = FALSE))
}

# ---- one model: knots, coefficients, tests, and the hazard ratio against the median at the knots and the quartiles

spline <- function(dataset, d, outcome, x, k, beside = character(0)) {
  d[c("t", "e", "x")] <- d[c(paste0(outcome, c("_t", "_e")), x)]
  d <- d[complete.cases(d[c("t", "e", "x", all.vars(reformulate(c("1", beside))))]), ]
  knots <- rcspline.eval(d$x, nk = k, knots.only = TRUE, fractied = 1)
  terms <- paste0("basis", seq_len(length(knots) - 1))
  p <- length(terms)
  parts <- qr(scale(rcspline.eval(d$x, knots, inclx = TRUE), scale = FALSE))
  d[terms] <- qr.Q(parts)
  fit <- cox(d, c(terms, beside))
  linear <- cox(d, c(terms[1], beside))
  without <- cox(d, c("1", beside))
  back <- solve(qr.R(parts))
  stopifnot(parts$pivot == seq_len(p))
  estimate <- setNames(drop(back %*% coef(fit)[terms]), terms)
  covariance <- back %*% vcov(fit)[terms, terms] %*% t(back)
  analysis <- paste0(outcome, "|x=", x, "|k=", k, "|adj=", paste(beside, collapse = "+"))
  write <- function(term, values) add(dataset, analysis, term, values)
  for (i in seq_along(knots)) write(paste0("knot", i), c(value = knots[i]))
  for (i in seq_len(p)) write(terms[i], c(coef = estimate[[i]], se = sqrt(covariance[i, i])))
  write("overall", c(wald(fit, terms), ratio(fit, without, p)))
  write("nonlinear", c(wald(fit, terms[-1]), ratio(fit, linear, p - 1)))
  write("model", c(n = fit$n, n_event = fit$nevent, loglik = logLik(fit)[1], median = median(d$x)))
  at <- sort(unique(c(knots, quantile(d$x, c(0.25, 0.5, 0.75)))))
  for (value in at[at != median(d$x)]) {
    basis <- function(v) drop(rcspline.eval(c(v, d$x), knots, inclx = TRUE)[1, ])
    contrast <- drop((basis(value) - basis(median(d$x))) %*% back)
    log_hr <- sum(contrast * coef(fit)[terms])
    se <- sqrt(drop(contrast %*% vcov(fit)[terms, terms] %*% contrast))
    limits <- exp(log_hr + qnorm(c(0.025, 0.975)) * se)
    write(sprintf("x=%.10g", value), c(hr = exp(log_hr), hr_low = limits[1], hr_high = limits[2]))
  }
}

for (k in 3:5) spline("veteran", veteran, "OS", "age", k)
spline("veteran", veteran, "OS", "karno", 4)
spline("veteran", veteran, "OS", "age", 4, c("trt", "celltype", "karno"))
spline("veteran", veteran, "OS", "diagtime", 3, c("trt", "celltype"))
for (k in 3:5) spline("veteran[celltype=smallcell]", subset(veteran, celltype == "smallcell"), "OS", "age", k)
spline("lung", lung, "OS", "age", 4)
spline("lung", lung, "OS", "age", 5, "factor(sex)")
spline("lung", lung, "OS", "wt.loss", 3)
spline("lung", lung, "OS", "meal.cal", 4, c("factor(sex)", "ph.ecog"))
spline("colon_wide", colon_wide, "OS", "age", 4)
spline("colon_wide", colon_wide, "OS", "age", 5, c("rx", "factor(sex)", "factor(node4)"))
spline("colon_wide", colon_wide, "DFS", "nodes", 4, c("rx", "age"))
for (k in 3:5) spline("rotterdam", rotterdam, "OS", "age", k)
spline("rotterdam", rotterdam, "OS", "age", 4, c("factor(hormon)", "size", "factor(grade)", "nodes"))
spline("rotterdam", rotterdam, "RFS", "nodes", 4)
spline("rotterdam", rotterdam, "RFS", "nodes", 4, c("factor(hormon)", "size", "factor(grade)", "age"))
spline("rotterdam", rotterdam, "RFS", "pgr", 5, "factor(hormon)")
spline("gbsg", gbsg, "RFS", "age", 4, c("factor(hormon)", "factor(grade)", "nodes"))
spline("gbsg", gbsg, "RFS", "pgr", 3)

written <- do.call(rbind, rows)
stopifnot(!anyDuplicated(written[1:4]), !anyNA(written))
write.csv(written, file.path(here, "splines.csv"), row.names = FALSE, quote = FALSE)
