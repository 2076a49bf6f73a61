# Reference values for cloning, censoring and weighting, by R's package survival and glm on survival's own data.
# Run: Rscript tests/reference/cloning.R     Writes cloning.csv next to itself: dataset,analysis,term,statistic,value.
# jasa: transplantation within 2 months of acceptance, where 0 days are taken as half a day; rotterdam: recurrence within
# 12 months of surgery as if it were a treatment. What begins on the last day is taken half a day earlier.
# Weights before the grace period's end rest on basehaz of a Cox model with Breslow ties, after it on glm; clones that do
# not begin are cut with survSplit at every month at which somebody does. Terms of weights are patient@day. Restricted
# means end with the last whole day of their month.

suppressPackageStartupMessages(library(survival))

here <- dirname(normalizePath(sub("^--file=", "", grep("^--file=", commandArgs(FALSE), value = TRUE))))
month <- 30.4375
rows <- NULL

add <- function(dataset, analysis, term, values) {
  value <- ifelse(is.na(values), "NA", sprintf("%.12g", values))
  rows <<- rbind(rows, data.frame(dataset, analysis, term, statistic = names(values), value))
}

exact <- coxph.control(eps = 1e-12, toler.chol = 1e-14, iter.max = 100)

area <- function(time, surv, tau) {
  inside <- time < tau
  sum(c(1, surv[inside]) * diff(c(0, time[inside], tau)))
}

emulate <- function(name, d, covariates, grace, months, tau) {
  last_day <- which(d$start == d$time)
  d$start[last_day] <- d$time[last_day] - 0.5
  d$start[which(d$start > d$time)] <- NA
  d$begun <- !is.na(d$start) & d$start <= grace
  d$beyond <- d$time > grace
  d$waited <- pmin(d$start, d$time, grace, na.rm = TRUE)

  begin <- coxph(as.formula(paste("Surv(waited, begun) ~", covariates)), d, ties = "breslow", control = exact)
  by_then <- glm(as.formula(paste("begun ~", covariates)), binomial, d[d$beyond, ],
                 control = glm.control(epsilon = 1e-15, maxit = 100))
  d$relative <- exp(drop(model.matrix(begin) %*% coef(begin)))
  hazard <- basehaz(begin, centered = FALSE)
  cumulative <- stepfun(hazard$time, c(0, hazard$hazard))
  d$share <- NA
  d$share[d$beyond] <- fitted(by_then)

  not <- d
  not$end <- ifelse(d$begun, d$start, d$time)
  not$died <- d$event == 1 & !d$begun
  within <- d
  within$end <- ifelse(d$beyond & !d$begun, grace, d$time)
  within$died <- d$event == 1 & (d$begun | !d$beyond)
  add(name, "clones", "", c(n = nrow(d), n_event = sum(d$event), not_event = sum(not$died), within_event = sum(within$died),
      not_censored = sum(d$begun), within_censored = sum(d$beyond & !d$begun)))

  keep <- c("id", "arm", "entry", "end", "died", "relative", "share")
  not <- survSplit(Surv(end, died) ~ ., not[not$end > 0, ], cut = sort(unique(d$start[d$begun])), start = "entry")
  not$arm <- 0
  not$weight <- exp(cumulative(not$entry) * not$relative)
  within <- survSplit(Surv(end, died) ~ ., within, cut = grace, start = "entry")
  within$arm <- 1
  within$weight <- ifelse(within$entry >= grace, 1 / within$share, 1)
  columns <- c("id", "arm", "entry", "end", "died", "weight")
  both <- rbind(not[columns], within[columns])

  last <- both$end > grace & !duplicated(both[c("id", "arm")], fromLast = TRUE)
  kish <- function(w) sum(w)^2 / sum(w^2)
  add(name, "weights", "", c(effective = kish(both$weight[last]), not_effective = kish(both$weight[last & both$arm == 0]),
      within_effective = kish(both$weight[last & both$arm == 1]), not_max = max(both$weight[both$arm == 0]),
      within_max = max(both$weight[both$arm == 1])))

  deaths <- sort(unique(d$time[d$event == 1]))
  early <- deaths[deaths <= grace]
  late <- deaths[deaths > grace]
  for (day in c(early[round(seq(1, length(early), length.out = 8))], late[c(1, round(length(late) / 2))])) {
    for (arm in 0:1) {
      at_risk <- both[both$arm == arm & both$entry < day & both$end >= day, ]
      what <- c("not", "within")[arm + 1]
      add(name, what, sprintf("%g", day), c(n = nrow(at_risk), sum = sum(at_risk$weight), sum_squares = sum(at_risk$weight^2)))
      chosen <- at_risk[order(at_risk$id), ][unique(round(seq(1, nrow(at_risk), length.out = 6))), ]
      for (i in seq_len(nrow(chosen))) add(name, what, sprintf("%d@%g", chosen$id[i], day), c(weight = chosen$weight[i]))
    }
  }

  for (model in c("weighted", "unweighted")) {
    both$w <- if (model == "weighted") both$weight else 1
    fit <- coxph(Surv(entry, end, died) ~ arm, both, weights = w, cluster = id, control = exact)
    add(name, model, "", c(coef = unname(coef(fit)), robust_se = sqrt(fit$var[1])))
    for (arm in 0:1) {
      curve <- survfit(Surv(entry, end, died) ~ 1, both[both$arm == arm, ], weights = w)
      at <- summary(curve, times = months * month, extend = TRUE)$surv
      at[months * month > max(both$end[both$arm == arm])] <- NA
      what <- c("not", "within")[arm + 1]
      add(name, paste0(model, "|", what), sprintf("%g", months), setNames(100 * at, rep("rate", length(months))))
      add(name, paste0(model, "|", what), sprintf("%g", tau), c(rmst = area(curve$time, curve$surv, floor(tau * month)) / month))
    }
  }
}

heart <- with(jasa, data.frame(id = seq_along(futime), time = pmax(futime, 0.5), event = fustat,
                               start = ifelse(transplant == 1, pmax(wait.time, 0.5), NA), age, surgery))
emulate("jasa", heart, "age + surgery", 2 * month, c(1, 2, 3, 6, 12, 24), 12)

breast <- with(rotterdam, data.frame(id = pid, time = dtime, event = death, start = ifelse(recur == 1, rtime, NA),
                                     age, meno = factor(meno), size = factor(size), grade = factor(grade), nodes,
                                     chemo = factor(chemo)))
emulate("rotterdam", breast, "age + meno + size + grade + nodes + chemo", 12 * month, c(6, 12, 24, 36, 60, 120), 60)

write.csv(rows, file.path(here, "cloning.csv"), row.names = FALSE, quote = FALSE)
