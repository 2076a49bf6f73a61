# Reference values for cumulative incidence and Gray's test, computed by R's package cmprsk (2.2-11) on public data sets of R's
# package survival. Run: Rscript tests/reference/incidence.R     Writes incidence.csv next to itself:
# dataset,analysis,term,statistic,value, where analysis is groups, or groups|strata, and term is group|cause, or the cause
# of a test or of a cause-specific Cox model. est@t, var@t and the limits low@t and high@t (complementary log-log scale, 95%) are at t days or months.

suppressPackageStartupMessages({library(survival); library(cmprsk)})

here <- dirname(normalizePath(sub("^--file=", "", grep("^--file=", commandArgs(FALSE), value = TRUE))))
rows <- NULL

add <- function(dataset, analysis, term, values) {
  value <- ifelse(is.na(values), "NA", sprintf("%.12g", values))
  rows <<- rbind(rows, data.frame(dataset, analysis, term, statistic = names(values), value))
}

incidence <- function(dataset, d, by, at, strata = NULL) {
  analysis <- paste(c(by, strata), collapse = "|")
  cause <- as.character(d$cause)
  fit <- if (is.null(strata)) cuminc(d$t, cause, as.character(d[[by]]), cencode = "none")
         else cuminc(d$t, cause, as.character(d[[by]]), d[[strata]], cencode = "none")
  if (is.null(strata)) {
    found <- timepoints(fit, at)
    for (i in seq_len(nrow(found$est))) {
      name <- rownames(found$est)[i]
      which <- strsplit(name, " (?=[^ ]+$)", perl = TRUE)[[1]]
      f <- found$est[i, ]
      v <- found$var[i, ]
      width <- qnorm(0.975) * sqrt(v) / (f * log(f))
      values <- rbind(est = f, var = v, low = f^exp(-width), high = f^exp(width))
      for (s in rownames(values))
        add(dataset, analysis, paste(which, collapse = "|"), setNames(values[s, ], paste0(s, "@", at)))
    }
  }
  for (k in rownames(fit$Tests))
    add(dataset, analysis, k, c(chi_square = fit$Tests[k, "stat"], df = fit$Tests[k, "df"], p = fit$Tests[k, "pv"]))
}

# Each cause on its own, other events as censorings; the groups' first level is the reference.
specific <- function(dataset, d, by) {
  for (k in setdiff(unique(d$cause), "none")) {
    fit <- coxph(as.formula(sprintf("Surv(t, cause == '%s') ~ factor(%s)", k, by)), d, ties = "efron",
                 control = coxph.control(eps = 1e-12, toler.chol = 1e-13))
    add(dataset, paste0(by, "|specific"), k, c(coef = coef(fit)[[1]], se = sqrt(fit$var[1, 1])))
  }
}

# pbc: transplant and death among the 312 randomised; some groups are small
d <- subset(pbc, !is.na(trt))
d$t <- d$time
d$cause <- c("none", "transplant", "death")[d$status + 1]
for (by in c("sex", "trt", "stage")) incidence("pbc", d, by, c(500, 1000, 2000, 3000))
incidence("pbc", d, "trt", NULL, "stage")
specific("pbc", d, "trt")
incidence("pbc", d, "sex", NULL, "edema")

# mgus2: progression to a plasma cell malignancy and death before it, in months with many ties
d <- mgus2
d$t <- ifelse(d$pstat == 1, d$ptime, d$futime)
d$cause <- ifelse(d$pstat == 1, "progression", ifelse(d$death == 1, "death", "none"))
incidence("mgus2", d, "sex", c(12, 60, 120, 240))
specific("mgus2", d, "sex")

# colon: recurrence and death before it, three arms; one row a patient
deaths <- colon[colon$etype == 2, ]
recurrences <- colon[colon$etype == 1, ]
stopifnot(identical(deaths$id, recurrences$id))
d <- deaths
d$t <- pmin(deaths$time, recurrences$time)
d$cause <- ifelse(recurrences$status == 1, "recurrence", ifelse(deaths$status == 1, "death", "none"))
incidence("colon_wide", d, "rx", c(200, 500, 1000, 2000))
incidence("colon_wide", d, "sex", c(200, 500, 1000, 2000))
incidence("colon_wide", d, "rx", NULL, "node4")

# rotterdam: recurrence and death before it
d <- rotterdam
d$t <- with(d, ifelse(recur == 1, rtime, dtime))
d$cause <- with(d, ifelse(recur == 1, "recurrence", ifelse(death == 1, "death", "none")))
for (by in c("hormon", "grade", "size")) incidence("rotterdam", d, by, c(365, 1000, 2000, 4000))
incidence("rotterdam", d, "hormon", NULL, "grade")
specific("rotterdam", d, "hormon")

write.csv(rows, file.path(here, "incidence.csv"), row.names = FALSE, quote = FALSE)
