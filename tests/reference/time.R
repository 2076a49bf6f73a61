# Reference values for treatment as an exposure that begins, computed by R's package survival on its own data sets.
# Run: Rscript tests/reference/time.R     Writes time.csv next to itself: dataset,analysis,term,statistic,value.
# Models are run to eps = 1e-12. Times are in days; NA is "not reached". `begins` are models on intervals (start, stop],
# `landmark` models of those at risk after day L, treated up to day L or not, the clock restarted there.
# E-values follow the formulae of VanderWeele and Ding (2017) literally.

suppressPackageStartupMessages(library(survival))

here <- dirname(normalizePath(sub("^--file=", "", grep("^--file=", commandArgs(FALSE), value = TRUE))))
rows <- NULL

add <- function(dataset, analysis, term, values) {
  value <- ifelse(is.na(values), "NA", sprintf("%.12g", values))
  rows <<- rbind(rows, data.frame(dataset, analysis, term, statistic = names(values), value))
}

model <- function(dataset, d, response, terms, analysis, ties = "efron", patients = nrow(d)) {
  fit <- do.call(coxph, list(as.formula(paste(response, "~", paste(terms, collapse = " + "))), data = d, ties = ties,
                             control = coxph.control(eps = 1e-12, toler.chol = 1e-13, iter.max = 100)))
  analysis <- sprintf("%s|%s|ties=%s", analysis, paste(terms, collapse = "+"), ties)
  b <- coef(fit)
  se <- sqrt(diag(fit$var))
  for (i in seq_along(b)) {
    hr <- exp(b[[i]] + c(0, qnorm(c(0.025, 0.975))) * se[i])
    add(dataset, analysis, names(b)[i], c(coef = b[[i]], se = se[i], z = b[[i]] / se[i], p = 2 * pnorm(-abs(b[[i]] / se[i])),
                                          hr = hr[1], hr_lcl = hr[2], hr_ucl = hr[3]))
  }
  s <- summary(fit)
  wald <- as.vector(b %*% solve(vcov(fit), b))
  add(dataset, analysis, "model", c(
    n = patients, nrow = fit$n, nevent = fit$nevent, loglik_null = fit$loglik[1], loglik = fit$loglik[2],
    lrt_chisq = s$logtest[["test"]], lrt_p = s$logtest[["pvalue"]],
    wald_chisq = s$waldtest[["test"]], wald_chisq_unrounded = wald, wald_p = pchisq(wald, length(b), lower.tail = FALSE),
    score_chisq = s$sctest[["test"]], score_p = s$sctest[["pvalue"]], AIC = AIC(fit),
    concordance = s$concordance[[1]], concordance_se = s$concordance[[2]]))
  invisible(fit)
}

# ---- the Stanford heart transplant programme

# As R's `heart` counts: a transplant on the day of acceptance comes after the death of that day, one on the day of
# death half a day before it. The death on day 0 is taken at half a day, and so are the transplants of that day.
day <- with(jasa, data.frame(
  id = seq_along(futime), futime = pmax(0.5, futime), fustat,
  tx = pmax(0.5, wait.time - ifelse(!is.na(wait.time) & wait.time == futime, 0.5, 0))))
stanford <- tmerge(cbind(jasa[c("age", "surgery")], id = day$id), day, id = id, death = event(futime, fustat),
                   transplant = tdc(tx))
stanford$year <- as.numeric(jasa$accept.dt[stanford$id] - as.Date("1967-10-01")) / 365.25
heart$transplant <- as.numeric(heart$transplant == "1")

# The product of treatment, the first term, and the logarithm of time: rows cut at every time of an event, errors by
# patient, the Wald test of the product.
log_time <- function(dataset, d, terms) {
  long <- survSplit(Surv(tstart, tstop, died) ~ ., d, cut = sort(unique(d$tstop[d$died == 1])))
  long$changing <- long[[terms[1]]] * log(long$tstop)
  fit <- do.call(coxph, list(as.formula(paste("Surv(tstart, tstop, died) ~", paste(c(terms, "changing"), collapse = "+"))),
                             data = long, ties = "efron", cluster = quote(id),
                             control = coxph.control(eps = 1e-12, toler.chol = 1e-13, iter.max = 100)))
  chisq <- coef(fit)[["changing"]]^2 / vcov(fit)["changing", "changing"]
  add(dataset, paste0("log_time|", paste(terms, collapse = "+")), terms[1],
      c(chisq = chisq, p = pchisq(chisq, 1, lower.tail = FALSE)))
}

response <- "Surv(start, stop, event)"
for (terms in list("transplant", c("transplant", "age", "surgery"), c("transplant", "age", "surgery", "year"))) {
  fit <- model("jasa", stanford, "Surv(tstart, tstop, death)", terms, "begins", patients = 103)
  same <- coxph(as.formula(paste(response, "~", paste(terms, collapse = " + "))), heart, ties = "efron",
                control = coxph.control(eps = 1e-12, toler.chol = 1e-13))
  stopifnot(max(abs(coef(fit) - coef(same))) < 1e-8, nrow(stanford) == nrow(heart))
  log_time("jasa", transform(stanford, died = as.numeric(death)), terms)
  model("jasa", transform(jasa, year = as.numeric(accept.dt - as.Date("1967-10-01")) / 365.25),
        "Surv(futime, fustat)", terms, "naive")
}
for (ties in c("efron", "breslow")) {
  model("heart", heart, response, "transplant", "begins", ties, 103)
  model("heart", heart, response, c("age", "surgery", "transplant", "age:transplant", "surgery:transplant"), "begins",
        ties, 103)
}
whole <- c("age", "surgery", "transplant", "year", "age:transplant", "surgery:transplant")
fit <- model("heart", heart, response, whole, "begins", patients = 103)
z <- cox.zph(fit)$table
for (i in seq_len(nrow(z)))
  add("heart", "begins|zph=km", rownames(z)[i], setNames(z[i, c("chisq", "p")], c("chisq", "p")))

# The models of Kalbfleisch and Prentice's table, with Breslow's ties as there.
kalbfleisch_prentice <- list(
  c("age", "surgery", "transplant", "age:transplant", "surgery:transplant"),
  c("year", "transplant", "year:transplant"),
  c("age", "year", "transplant", "age:transplant", "year:transplant"),
  c("year", "surgery", "transplant", "year:transplant", "surgery:transplant"),
  whole,
  c("age", "transplant", "surgery", "year", "age:transplant"))
for (terms in kalbfleisch_prentice) model("jasa1", jasa1, response, terms, "begins", "breslow", 103)

# ---- recurrence as what begins, in those who recur before the day they die or are last seen

colon_wide <- colon[colon$etype == 2, ]
recurrence <- colon[colon$etype == 1, ]
stopifnot(identical(colon_wide$id, recurrence$id))
colon_wide$recurred <- ifelse(recurrence$status == 1, recurrence$time, NA)
colon_wide$futime <- colon_wide$time
colon_wide$died <- colon_wide$status
rotterdam$recurred <- ifelse(rotterdam$recur == 1, rotterdam$rtime, NA)
rotterdam$futime <- rotterdam$dtime
rotterdam$died <- rotterdam$death
rotterdam$id <- rotterdam$pid

recur <- function(dataset, d, terms) {
  own <- data.frame(id = d$id, end = d$futime, dead = d$died, from = ifelse(d$recurred < d$futime, d$recurred, NA))
  long <- tmerge(d, own, id = id, death = event(end, dead), rec = tdc(from))
  model(dataset, long, "Surv(tstart, tstop, death)", c("rec", terms), "begins", patients = nrow(d))
  if (nrow(d) < 500) log_time(dataset, transform(long[c("id", "tstart", "tstop", "rec", terms)], died = as.numeric(long$death)),
           c("rec", terms))
}
recur("colon_wide", colon_wide, c("rx", "age", "sex", "node4"))
recur("rotterdam", rotterdam, c("hormon", "age", "nodes", "grade"))

# ---- landmarks

landmark <- function(dataset, d, month, models) {
  at <- d[d$futime > month, ]
  at$tx <- as.numeric(!is.na(at$began) & at$began <= month)
  at$left <- at$futime - month
  name <- sprintf("landmark=%g", month)
  for (terms in models) model(dataset, at, "Surv(left, died)", c("tx", terms), name)
  add(dataset, name, "any rule", c(n_at_or_after = sum(d$futime >= month)))
  test <- survdiff(Surv(left, died) ~ tx, at)
  add(dataset, name, "logrank", c(chisq = test$chisq, p = pchisq(test$chisq, 1, lower.tail = FALSE)))
  curve <- summary(survfit(Surv(left, died) ~ tx, at))$table
  for (arm in c("tx=0", "tx=1"))
    add(dataset, name, arm, c(n = curve[arm, "records"], nevent = curve[arm, "events"], median = curve[arm, "median"],
                              lcl = curve[arm, "0.95LCL"], ucl = curve[arm, "0.95UCL"]))
}
jasa$began <- jasa$wait.time
jasa$died <- jasa$fustat
colon_wide$began <- colon_wide$recurred
rotterdam$began <- rotterdam$recurred
for (month in c(30, 60, 90, 180)) landmark("jasa", jasa, month, list(NULL, c("age", "surgery")))
for (month in c(1, 2, 3, 6) * 30.4375) landmark("jasa", jasa, month, list(NULL, c("age", "surgery")))
for (month in c(183, 365)) {
  landmark("colon_wide", colon_wide, month, list(c("rx", "age", "node4")))
  landmark("rotterdam", rotterdam, month, list(c("hormon", "age", "nodes")))
}

# ---- E-values

e_value <- function(ratio) {
  ratio <- ifelse(ratio < 1, 1 / ratio, ratio)
  ratio + sqrt(ratio * (ratio - 1))
}
as_risk_ratio <- function(hr) (1 - 0.5^sqrt(hr)) / (1 - 0.5^sqrt(1 / hr))

for (each in list(c(3.9, 1.8, 8.7), c(0.8, 0.71, 0.91), c(10.73, 8.02, 14.36), c(0.56, 0.46, 0.69), c(0.84, 0.69, 1.01),
                  c(0.7, 0.54, 0.91), c(1, 0.8, 1.25), c(1.4, 1.02, 1.9)))
  for (outcome in c("rare", "common")) {
    ratio <- if (outcome == "rare") each else as_risk_ratio(each)
    limit <- if (ratio[2] <= 1 && ratio[3] >= 1) 1 else if (ratio[1] < 1) ratio[3] else ratio[2]
    add("formula", outcome, paste(each, collapse = " "),
        c(ratio = ratio[1], ratio_low = ratio[2], ratio_high = ratio[3], e_value = e_value(ratio[1]),
          e_value_limit = e_value(limit)))
  }

stopifnot(!anyDuplicated(rows[1:4]))
write.csv(rows, file.path(here, "time.csv"), row.names = FALSE, quote = FALSE)
