# Reference values for loss to follow-up: the log-rank test and the Cox model of being censored, events taken as
# censorings, by R's package survival on its own data sets.
# Run: Rscript tests/reference/loss.R     Writes loss.csv next to itself: dataset,analysis,term,statistic,value.

suppressPackageStartupMessages(library(survival))

here <- dirname(normalizePath(sub("^--file=", "", grep("^--file=", commandArgs(FALSE), value = TRUE))))
rows <- NULL

reverse <- function(dataset, time, dead, arm) {
  arm <- factor(arm)
  test <- survdiff(Surv(time, 1 - dead) ~ arm)
  fit <- coxph(Surv(time, 1 - dead) ~ arm, ties = "efron", control = coxph.control(eps = 1e-12, toler.chol = 1e-13))
  b <- coef(fit)[[1]]
  se <- sqrt(fit$var[1, 1])
  values <- c(n = fit$n, nevent = fit$nevent, chisq = test$chisq, p = pchisq(test$chisq, 1, lower.tail = FALSE),
              coef = b, se = se, hr = exp(b), hr_lcl = exp(b - qnorm(0.975) * se), hr_ucl = exp(b + qnorm(0.975) * se))
  rows <<- rbind(rows, data.frame(dataset, analysis = "reverse", term = "arm", statistic = names(values),
                                  value = sprintf("%.12g", values)))
}

reverse("veteran", veteran$time, veteran$status, veteran$trt)
reverse("rotterdam", rotterdam$dtime, rotterdam$death, rotterdam$hormon)
randomised <- subset(pbc, !is.na(trt))
reverse("pbc", randomised$time, as.numeric(randomised$status == 2), randomised$trt)
reverse("gbsg", gbsg$rfstime, gbsg$status, gbsg$hormon)
reverse("flchain", flchain$futime + 1, flchain$death, flchain$sex)
reverse("jasa", jasa$futime + 1, jasa$fustat, jasa$surgery)

write.csv(rows, file.path(here, "loss.csv"), row.names = FALSE, quote = FALSE)
