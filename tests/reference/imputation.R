# Reference values for multiple imputation, computed by R's mice and survival on survival's own data sets.
# Run: Rscript tests/reference/imputation.R     Writes imputation.csv next to itself, as dataset,analysis,term,statistic,value.
# Versions and the number of draws are rows of the file. Takes a quarter of an hour.

suppressPackageStartupMessages({library(survival); library(mice)})

here <- dirname(normalizePath(sub("^--file=", "", grep("^--file=", commandArgs(FALSE), value = TRUE))))
draws <- 400
iterations <- 10
rows <- NULL

add <- function(dataset, analysis, term, values) {
  value <- ifelse(is.na(values), "NA", sprintf("%.12g", values))
  rows <<- rbind(rows, data.frame(dataset, analysis, term, statistic = names(values), value))
}

# ---- Nelson-Aalen: sums over the patients, deaths tied as they are in the data

for (name in c("pbc", "veteran", "lung")) {
  d <- get(name)
  if (name == "pbc") d <- d[!is.na(d$trt), ]
  event <- if (name == "veteran") d$status == 1 else d$status == 2
  fit <- survfit(Surv(d$time, event) ~ 1, ctype = 1)
  hazard <- fit$cumhaz[match(d$time, fit$time)]
  add(name, "nelson_aalen", "", c(sum = sum(hazard), sum_squares = sum(hazard^2), sum_by_time = sum(hazard * d$time)))
}

# ---- Rubin's rules for one coefficient: the estimates and variances given, and what comes of them

pairs <- list(
  small = list(q = c(0.42, 0.61, 0.35), u = c(0.040, 0.052, 0.047), n = 60, k = 4),
  even = list(q = c(-1.10, -1.05, -1.12, -1.08, -1.11), u = c(0.09, 0.10, 0.11, 0.10, 0.10), n = 171, k = 12),
  mostly_missing = list(q = c(0.1, 1.4, -0.9, 2.2, 0.6, -1.5), u = c(0.2, 0.3, 0.25, 0.21, 0.2, 0.28), n = 80, k = 5),
  large = list(q = c(0.30, 0.33, 0.25, 0.28), u = c(0.010, 0.011, 0.009, 0.010), n = Inf, k = 1)
)
for (name in names(pairs)) {
  p <- pairs[[name]]
  s <- pool.scalar(p$q, p$u, n = p$n, k = p$k)
  add("given", "pool_scalar", name, c(setNames(p$q, paste0("estimate_", seq_along(p$q))),
    setNames(p$u, paste0("variance_", seq_along(p$u))), df_complete = p$n - p$k, estimate = s$qbar, within = s$ubar,
    between = s$b, total = s$t, increase = s$r, df = s$df, fmi = s$fmi))
}

# ---- Cox models of completed data. Besides the values missing in pbc, a rule removes those of some columns. It looks at
# the patient's number and at a column that stays known (age or death, karno), so the values are missing at random.

d <- pbc[!is.na(pbc$trt), ]
d$event <- as.numeric(d$status == 2)
d$edema <- factor(ifelse(d$edema > 0, "yes", "no"))
d$stage <- factor(ifelse(d$stage < 3, "early", d$stage), c("early", "3", "4"))
d$log_bili <- log(d$bili)
d$edema[(61 * d$id) %% 100 < 10 + 25 * (d$age >= 50)] <- NA
d$stage[(37 * d$id) %% 100 < 15 + 20 * d$event] <- NA
v <- veteran
v$event <- v$status
number <- seq_len(nrow(v))
v$celltype[(41 * number) %% 100 < 15 + 20 * (v$karno < 60)] <- NA
v$prior <- factor(ifelse(v$prior == 10, "yes", "no"))
v$prior[(67 * number) %% 100 < 10 + 20 * (v$karno < 60)] <- NA
v$diagtime[(29 * number) %% 100 < 25] <- NA
studies <- list(
  pbc = list(data = d, covariates = c("trt", "age", "sex", "edema", "stage", "log_bili", "albumin", "chol", "copper",
    "trig", "platelet")),
  veteran = list(data = v, covariates = c("trt", "celltype", "karno", "diagtime", "age", "prior"))
)

# Two analyses. `mice` takes mice's own methods: pmm, logreg, polyreg. `drawn` takes for every factor the one below, which
# the project documents and mice lets a user write: multinomial regression on data with two patients a predictor added,
# one standard deviation from the mean of all, in the known shares of the levels; slopes from their normal posterior, then
# the constants from theirs given the slopes. polyreg takes the fitted parameters for certain, so its variance between
# draws is smaller; both mice methods add the same number of patients to every level, however rare.

mice.impute.drawn <- function(y, ry, x, wy = NULL, ...) {
  if (is.null(wy)) wy <- !ry
  levels <- levels(droplevels(y[ry]))
  k <- length(levels)
  p <- ncol(x)
  centre <- colMeans(x[ry, ])
  spread <- sqrt(colMeans(sweep(x[ry, ], 2, centre)^2))
  z <- sweep(sweep(x, 2, centre), 2, spread, "/")
  target <- outer(as.character(y[ry]), levels, "==") * 1
  share <- colMeans(target)
  both <- rbind(z[ry, ], diag(p), -diag(p))
  all_target <- rbind(target, matrix(share * (p + 1) / (2 * p), 2 * p, k, byrow = TRUE))
  fit <- nnet::multinom(all_target ~ both, Hess = TRUE, trace = FALSE, maxit = 500, abstol = 1e-9, reltol = 1e-13)
  beta <- as.vector(t(matrix(coef(fit), k - 1)))
  beta <- MASS::mvrnorm(1, beta, solve(fit$Hessian))
  slopes <- matrix(beta, ncol = k - 1)[-1, , drop = FALSE]
  shares <- function(constants, z) {
    eta <- cbind(0, sweep(z %*% slopes, 2, constants, "+"))
    odds <- exp(eta - apply(eta, 1, max))
    odds / rowSums(odds)
  }
  minus <- function(constants) -sum(target * log(shares(constants, z[ry, ])))
  gradient <- function(constants) colSums(shares(constants, z[ry, ]) - target)[-1]
  found <- optim(log(share[-1] / share[1]), minus, gradient, method = "BFGS", hessian = TRUE, control = list(reltol = 1e-12))
  constants <- MASS::mvrnorm(1, found$par, solve(found$hessian))
  levels[apply(shares(constants, z[wy, , drop = FALSE]), 1, function(s) sample(k, 1, prob = s))]
}

# The Monte Carlo standard errors of what is pooled: of the estimate, of its total variance and of fmi (delta method).
monte_carlo <- function(q, u) {
  m <- length(q)
  squares <- (1 + 1 / m) * (q - mean(q))^2
  total <- mean(u) + (1 + 1 / m) * var(q)
  lambda <- (1 + 1 / m) * var(q) / total
  c(estimate_mc = sd(q), total_mc = sd(u + squares), fmi_mc = sd((1 - lambda) * squares - lambda * u) / total) / sqrt(m)
}

for (name in names(studies)) for (analysis in c("mice", "drawn")) {
  study <- studies[[name]]
  data <- study$data
  data$hazard <- nelsonaalen(data, time, event)
  model <- reformulate(study$covariates, "Surv(time, event)")
  imputed <- data[c(study$covariates, "event", "hazard")]
  method <- make.method(imputed)
  if (analysis == "drawn") method[method %in% c("logreg", "polyreg")] <- "drawn"
  completed <- mice(imputed, m = draws, maxit = iterations, method = method, seed = 20261, printFlag = FALSE)
  fits <- lapply(seq_len(draws), function(i) coxph(model, cbind(complete(completed, i), time = data$time)))
  terms <- names(coef(fits[[1]]))
  for (term in terms) {
    q <- sapply(fits, function(f) coef(f)[[term]])
    u <- sapply(fits, function(f) vcov(f)[term, term])
    s <- pool.scalar(q, u, n = nrow(data), k = length(terms))
    add(name, analysis, term, c(estimate = s$qbar, se = sqrt(s$t), fmi = s$fmi, df = s$df, between = s$b, within = s$ubar,
      monte_carlo(q, u)))
  }
  add(name, analysis, "model", c(n = nrow(data), draws = draws, iterations = iterations, parameters = length(terms),
    n_complete = sum(complete.cases(imputed))))
  add(name, analysis, "n_missing", sapply(imputed[study$covariates], function(x) sum(is.na(x))))
  cat(name, analysis, paste(method[method != ""], collapse = " "), "logged events:", NROW(completed$loggedEvents), "\n")
}

version <- function(package) as.numeric(sub("^(\\d+\\.\\d+).*", "\\1", as.character(packageVersion(package))))
add("versions", "", "", c(R = as.numeric(paste0(R.version$major, ".", sub("\\..*", "", R.version$minor))),
  mice = version("mice"), survival = version("survival")))
write.csv(rows, file.path(here, "imputation.csv"), row.names = FALSE, quote = FALSE)
