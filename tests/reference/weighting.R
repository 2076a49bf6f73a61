# Reference values for Cox models of matched and of weighted patients, by R's package survival.
# Run: Rscript tests/reference/weighting.R     Writes weighting.csv next to itself: dataset,analysis,term,statistic,value.
# It reads pairs.csv, which with matching.csv holds what MatchIt 4.7.1 on R 4.2.2 makes of the same data: method
# "nearest" without replacement, one partner each, distance a logistic regression. Settings A to G: A caliper 0.2 SD of
# the score; B to D and F 0.2 SD of its logit, in the order largest, data, smallest, closest; E no caliper, score; G 0.2
# of the logit's SD pooled within the arms. MatchIt 4.5.1 to 4.5.3 do not enforce the caliper and give other pairs.
# The logistic regression is run on here until nothing changes; MatchIt stops at glm's default, some 1e-8 short.

suppressPackageStartupMessages(library(survival))

here <- dirname(normalizePath(sub("^--file=", "", grep("^--file=", commandArgs(FALSE), value = TRUE))))
pairs <- read.csv(file.path(here, "pairs.csv"), colClasses = "character")
rows <- NULL

add <- function(dataset, analysis, values, term = "arm") {
  rows <<- rbind(rows, data.frame(dataset, analysis, term, statistic = names(values),
                                  value = sprintf("%.12g", values)))
}

exact <- coxph.control(eps = 1e-12, toler.chol = 1e-14, iter.max = 100)

veteran$prior <- as.numeric(veteran$prior == 10)
veteran$id <- seq_len(nrow(veteran))
rotterdam[c("t", "e", "id")] <- rotterdam[c("dtime", "death", "pid")]
gbsg[c("t", "e", "id")] <- gbsg[c("rfstime", "status", "pid")]
veteran[c("t", "e")] <- veteran[c("time", "status")]

data <- list(
  rotterdam = list(rotterdam, "hormon", "age + meno + size + factor(grade) + nodes + pgr + er"),
  rotterdam_nodepos = list(rotterdam[rotterdam$nodes > 0, ], "hormon",
                           "age + meno + size + factor(grade) + nodes + pgr + er + chemo"),
  gbsg = list(gbsg, "hormon", "age + meno + size + factor(grade) + nodes + pgr + er"),
  veteran_prior = list(veteran, "prior", "age + karno + celltype + diagtime + factor(trt)")
)

for (name in names(data)) {
  d <- data[[name]][[1]]
  d$arm <- d[[data[[name]][[2]]]]
  for (setting in LETTERS[1:7]) {
    made <- pairs[pairs$dataset == name & pairs$setting == setting, ]
    m <- d[match(c(made$treated, made$control), as.character(d$id)), ]
    m$pair <- c(made$pair, made$pair)
    fit <- coxph(Surv(t, e) ~ arm, m, cluster = pair, control = exact)
    add(name, paste0("matched|", setting), c(n = fit$n, nevent = fit$nevent, coef = unname(coef(fit)),
        se = sqrt(fit$naive.var[1]), robust_se = sqrt(fit$var[1])))
  }
  model <- glm(as.formula(paste("arm ~", data[[name]][[3]])), binomial, d,
               control = glm.control(epsilon = 1e-15, maxit = 100))
  for (term in names(coef(model))) add(name, "score", c(coef = unname(coef(model)[term])), term)
  score <- fitted(model)
  logit <- predict(model)
  width <- function(x) c(0.2 * sd(x), 0.2 * sqrt((var(x[d$arm == 1]) + var(x[d$arm == 0])) / 2))
  add(name, "caliper", setNames(c(width(score), width(logit)), c("score_whole", "score_pooled", "logit_whole", "logit_pooled")))
  weights <- list(overlap = ifelse(d$arm == 1, 1 - score, score), iptw = ifelse(d$arm == 1, 1 / score, 1 / (1 - score)),
                  att = ifelse(d$arm == 1, 1, score / (1 - score)))
  for (weight in names(weights)) {
    d$w <- weights[[weight]]
    fit <- coxph(Surv(t, e) ~ arm, d, weights = w, cluster = id, control = exact)
    add(name, paste0("weighted|", weight), c(coef = unname(coef(fit)), robust_se = sqrt(fit$var[1])))
    if (nrow(d) > 1000) next
    long <- survSplit(Surv(t, e) ~ ., d[c("t", "e", "arm", "w", "id")], cut = sort(unique(d$t[d$e == 1])))
    long$changing <- long$arm * log(long$t)
    fit <- coxph(Surv(tstart, t, e) ~ arm + changing, long, weights = w, cluster = id, control = exact)
    add(name, paste0("weighted|", weight), c(log_time_chisq = unname(coef(fit)[2])^2 / fit$var[2, 2]))
  }
}

write.csv(rows, file.path(here, "weighting.csv"), row.names = FALSE, quote = FALSE)
