# Reference values for differences of shares, by R's prop.test (score limits without correction) and fisher.test, on the
# data of R's package survival. Run: Rscript tests/reference/toxicity.R
# Writes toxicity.csv next to itself: dataset,analysis,term,statistic,value.
# Signs and grades stand for adverse events: any is a value above 0, severe of 2 or more, `any event` the largest of all.
# Newcombe's limits are put together from the score limits of both shares; the analysis says the confidence level.

suppressPackageStartupMessages(library(survival))

here <- dirname(normalizePath(sub("^--file=", "", grep("^--file=", commandArgs(FALSE), value = TRUE))))
rows <- NULL

add <- function(dataset, analysis, term, values) {
  value <- ifelse(is.na(values), "NA", sprintf("%.15g", values))
  rows <<- rbind(rows, data.frame(dataset, analysis, term, statistic = names(values), value))
}

differ <- function(dataset, treated, grades) {
  all <- list("any event" = do.call(cbind, grades))
  for (term in names(grades)) all[[term]] <- cbind(grades[[term]])
  for (term in names(all)) for (level in c("any", "severe")) {
    reached <- rowSums(all[[term]] >= if (level == "any") 1 else 2, na.rm = TRUE) > 0
    known <- reached | rowSums(is.na(all[[term]])) == 0
    event <- reached[known]
    x <- c(sum(event[treated[known]]), sum(event[!treated[known]]))
    n <- c(sum(treated[known]), sum(!treated[known]))
    p <- x / n
    for (confidence in c(0.9, 0.95)) {
      limits <- sapply(1:2, function(i) suppressWarnings(
        prop.test(x[i], n[i], conf.level = confidence, correct = FALSE)$conf.int))
      low <- p[1] - p[2] - sqrt((p[1] - limits[1, 1])^2 + (limits[2, 2] - p[2])^2)
      high <- p[1] - p[2] + sqrt((limits[2, 1] - p[1])^2 + (p[2] - limits[1, 2])^2)
      add(dataset, sprintf("risk_difference@%g", confidence), paste(term, level, sep = "|"), c(
        risk_difference = 100 * (p[1] - p[2]), risk_difference_low = 100 * low, risk_difference_high = 100 * high,
        p_test = if (sum(x) > 0) fisher.test(rbind(x, n - x))$p.value else NA))
    }
  }
}

trial <- pbc[!is.na(pbc$trt), ]
differ("pbc", trial$trt == 2, list(ascites = trial$ascites, hepato = trial$hepato, spiders = trial$spiders,
  edema = 2 * trial$edema, stage = trial$stage))
two <- colon[colon$etype == 2 & colon$rx != "Lev", ]
differ("colon_wide[Obs,Lev+5FU]", two$rx == "Lev+5FU", list(obstruct = two$obstruct, perfor = two$perfor,
  adhere = two$adhere, differ = two$differ, extent = two$extent))
differ("rotterdam", rotterdam$hormon == 1, list(meno = rotterdam$meno, grade = rotterdam$grade))

# The exact Cochran-Armitage test, scores 0, 1, 2, ...: every table with these margins, its probability and its sum of
# scores; P is the probability of a sum at least as far from its mean as the one seen.
trend <- function(name, events, sizes) {
  scores <- seq_along(sizes) - 1
  tables <- as.matrix(expand.grid(lapply(sizes, function(n) 0:n)))
  tables <- tables[rowSums(tables) == sum(events), , drop = FALSE]
  ways <- apply(tables, 1, function(k) sum(lchoose(sizes, k))) - lchoose(sum(sizes), sum(events))
  sums <- as.vector(tables %*% scores)
  middle <- sum(events) * sum(scores * sizes) / sum(sizes)
  seen <- abs(sum(scores * events) - middle)
  add("by hand", "trend", name, c(p = sum(exp(ways)[abs(sums - middle) >= seen - 1e-9])))
}
trend("0,2,5,4 of 6,7,8,5", c(0, 2, 5, 4), c(6, 7, 8, 5))
trend("3,1,2 of 10,9,4", c(3, 1, 2), c(10, 9, 4))
trend("1,0,0,0,6 of 12,3,5,9,11", c(1, 0, 0, 0, 6), c(12, 3, 5, 9, 11))
trend("4,4,4 of 8,8,8", c(4, 4, 4), c(8, 8, 8))
trend("9,3,1 of 9,9,9", c(9, 3, 1), c(9, 9, 9))

write.csv(rows, file.path(here, "toxicity.csv"), row.names = FALSE, quote = TRUE)
