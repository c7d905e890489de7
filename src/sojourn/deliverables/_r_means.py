"""R text of the methods for numbers: means, their differences, ranks, correlation."""

CONSTANT = r"""
# Whether the values of each group are equal up to rounding, as t.test finds: no spread is known.
are_constant <- function(...) {
  groups <- list(...)
  errors <- sapply(groups, function(x) if (length(x) > 1) var(x) / length(x) else 0)
  sqrt(sum(errors)) <= 10 * .Machine$double.eps * max(abs(sapply(groups, mean)))
}
"""

MEAN = r"""
# A mean with its t interval (t.test); one value has no spread, nor have equal ones (t.test stops).
mean_of_group <- function(analysis, rows, unit, level) {
  for (group in groups_of(rows)) {
    x <- rows$AVAL[rows$GROUP == group & !is.na(rows$AVAL)]
    if (length(x) == 0) next
    bounds <- c(NA, NA)
    if (!are_constant(x)) bounds <- t.test(x, conf.level = level)$conf.int
    record(number_id(analysis, group, "mean"), mean(x), bounds[1], bounds[2], n = length(x))
  }
}
"""

PERMUTATION = r"""
# The share of all splits of the pooled values whose means differ as much as those observed.
permutation_p <- function(x, y) {
  pooled <- c(x, y)
  sums <- colSums(matrix(pooled[combn(length(pooled), length(x))], nrow = length(x)))
  differences <- abs(sums / length(x) - (sum(pooled) - sums) / length(y))
  mean(differences >= abs(mean(x) - mean(y)) - 1e-12 * max(abs(pooled)))
}
"""

MEAN_DIFFERENCE = r"""
# Welch's interval (t.test), and the exact permutation test beside it.
mean_difference <- function(analysis, rows, groups, unit, level, max_splits) {
  pair <- pair_of(rows[!is.na(rows$AVAL), ], groups)
  if (is.null(pair)) return(invisible())
  x <- pair$first$AVAL
  y <- pair$second$AVAL
  bounds <- c(NA, NA)
  if (length(x) > 1 && length(y) > 1 && !are_constant(x, y))
    bounds <- t.test(x, y, conf.level = level)$conf.int
  n <- length(x) + length(y)
  p <- if (choose(n, length(x)) <= max_splits) permutation_p(x, y) else NA
  id <- number_id(analysis, pair$name, "difference")
  record(id, mean(x) - mean(y), bounds[1], bounds[2], p, n)
}
"""

PERMUTATION_TEST = r"""
# The permutation test inverted: each split that exchanges k values of x with k of y is as far from
# 0 as the observed one where the shift is at least the difference of the means exchanged.
permutation_test <- function(analysis, rows, groups, unit, level) {
  pair <- pair_of(rows[!is.na(rows$AVAL), ], groups)
  if (is.null(pair)) return(invisible())
  x <- pair$first$AVAL
  y <- pair$second$AVAL
  n <- length(x) + length(y)
  id <- number_id(analysis, pair$name, "difference")
  splits <- choose(n, length(x))
  if (splits > 1e6) {
    not_recomputed(id, "too many splits for base R's combn", c("lower", "upper", "p"))
    return(record(id, mean(x) - mean(y), n = n))
  }
  pooled <- c(x, y)
  kept <- combn(n, length(x))
  steps <- apply(kept, 2, function(index) {
    gone <- setdiff(seq_along(x), index)
    came <- setdiff(index, seq_along(x))
    if (length(gone)) mean(pooled[gone]) - mean(pooled[came]) else NA
  })
  steps <- sort(steps)  # the observed split is no step
  beyond <- max(1, floor(splits * (1 - level) / 2 + 1e-9))
  bounds <- c(NA, NA)
  if (2 * beyond < splits && !are_constant(x, y))
    bounds <- c(steps[beyond], steps[length(steps) + 1 - beyond])
  value <- mean(x) - mean(y)
  record(id, value, min(bounds[1], value), max(bounds[2], value), permutation_p(x, y), n)
}
"""

HODGES_LEHMANN = r"""
# Median difference with the exact rank-sum interval and p-value (wilcox.test; with ties the p-value
# by all splits of the ranks, and no interval).
hodges_lehmann <- function(analysis, rows, groups, unit, level, interval) {
  pair <- pair_of(rows[!is.na(rows$AVAL), ], groups)
  if (is.null(pair)) return(invisible())
  x <- pair$first$AVAL
  y <- pair$second$AVAL
  id <- number_id(analysis, pair$name, "shift")
  n <- length(x) + length(y)
  shift <- median(outer(x, y, "-"))
  if (anyDuplicated(c(x, y))) {
    not_recomputed(id, "base R's wilcox.test has no exact interval with ties", c("lower", "upper"))
    if (choose(n, length(x)) > 1e6) {
      not_recomputed(id, "base R's wilcox.test has no exact p-value with ties", "p")
      return(record(id, shift, n = n))
    }
    ranks <- rank(c(x, y))
    sums <- colSums(matrix(ranks[combn(n, length(x))], nrow = length(x)))
    center <- length(x) * (n + 1) / 2
    observed <- sum(ranks[seq_along(x)])
    return(record(id, shift, p = mean(abs(sums - center) >= abs(observed - center) - 1e-9), n = n))
  }
  # for few subjects it warns that the widest interval has less than the level: it is given as it is
  made <- suppressWarnings(
    wilcox.test(x, y, exact = TRUE, conf.int = TRUE, conf.level = level))
  is_bounded <- 2 * pwilcox(0, length(x), length(y)) < 1
  bounds <- if (is_bounded) made$conf.int else c(NA, NA)
  record(id, shift, bounds[1], bounds[2], made$p.value, n)
}
"""

SIGN_FLIP = r"""
# The mean against 0 by all patterns of signs; the bounds are means of subsets (Hartigan).
sign_flip <- function(analysis, rows, unit, level, from_base) {
  for (group in groups_of(rows)) {
    here <- rows[rows$GROUP == group, ]
    x <- if (from_base) here$AVAL - here$BASE else here$AVAL
    x <- x[!is.na(x)]
    id <- number_id(analysis, group, "mean")
    if (length(x) == 0) next
    if (length(x) > 18) {
      not_recomputed(id, "more than 2^18 patterns of signs", c("lower", "upper", "p"))
      record(id, mean(x), n = length(x))
      next
    }
    patterns <- as.matrix(expand.grid(rep(list(c(0, 1)), length(x))))
    sums <- patterns %*% x
    p <- mean(abs(sum(x) - 2 * sums) >= abs(sum(x)) - 1e-12 * sum(abs(x)))
    means <- sort((sums / rowSums(patterns))[rowSums(patterns) > 0])
    beyond <- max(1, floor(nrow(patterns) * (1 - level) / 2 + 1e-9))
    bounds <- c(NA, NA)
    if (2 * beyond <= length(means) && !are_constant(x))
      bounds <- c(means[beyond], means[length(means) + 1 - beyond])
    record(id, mean(x), min(bounds[1], mean(x)), max(bounds[2], mean(x)), p, length(x))
  }
}
"""

SPEARMAN = r"""
# Spearman's rho; its p-value counts every pairing of the ranks (cor.test is exact to 9 pairs only).
pairings_p <- function(x, y) {
  a <- round(2 * rank(x))
  b <- round(2 * rank(y))
  n <- length(a)
  largest <- sum(sort(a) * sort(b))
  ways <- matrix(0, 2^n, largest + 1)  # row: which of b are used; column: the sum of products
  ways[1, 1] <- 1
  used <- sapply(seq_len(2^n) - 1, function(m) sum(bitwAnd(m, 2^(0:(n - 1))) > 0))
  for (i in seq_len(n)) for (m in which(used == i - 1) - 1) {
    from <- ways[m + 1, ]
    for (j in seq_len(n)) if (bitwAnd(m, 2^(j - 1)) == 0) {
      to <- m + 2^(j - 1) + 1
      step <- a[i] * b[j]
      kept <- seq_len(largest + 1 - step)
      ways[to, kept + step] <- ways[to, kept + step] + from[kept]
    }
  }
  sums <- 0:largest
  center <- sum(a) * sum(b) / n
  far <- abs(sums - center) >= abs(sum(a * b) - center) - 1e-9
  sum(ways[2^n, far]) / factorial(n)
}

spearman <- function(analysis, rows, covariates, level, interval) {
  for (covariate in covariates) for (group in groups_of(rows)) {
    x <- as.numeric(rows[[covariate]])[rows$GROUP == group]
    y <- rows$AVAL[rows$GROUP == group]
    both <- !is.na(x) & !is.na(y)
    x <- x[both]
    y <- y[both]
    n <- length(x)
    if (n < 3 || length(unique(x)) == 1 || length(unique(y)) == 1) next
    rho <- cor(x, y, method = "spearman")
    id <- number_id(analysis, group, paste0("rho_with_", covariate))
    if (n > 11) not_recomputed(id, "more than 11 pairs: base R has no exact law of rho", "p")
    error <- sqrt(switch(interval, bonett_wright = (1 + rho^2 / 2) / (n - 3),
                         fieller = 1.06 / (n - 3), fisher_z = 1 / (n - 3)))
    bounds <- tanh(atanh(rho) + c(-1, 1) * qnorm((1 + level) / 2) * error)
    if (n < 4 || abs(rho) > 1 - 1e-12) bounds <- c(-1, 1)
    record(id, rho, bounds[1], bounds[2], if (n <= 11) pairings_p(x, y) else NA, n)
  }
}
"""

ANCOVA = r"""
# Adjusted means and their difference by least squares (lm), at average covariates.
ancova <- function(analysis, rows, visit, response, adjust_for_base, covariates, groups, unit,
                   level) {
  if (!is.null(visit)) rows <- rows[!is.na(rows$AVISIT) & rows$AVISIT == visit, ]
  if (!is.null(groups)) rows <- rows[rows$GROUP %in% groups, ]
  for (name in covariates) rows[[name]] <- as.numeric(rows[[name]])
  slopes <- c(if (adjust_for_base) "BASE", covariates)
  needed <- unique(c("AVAL", if (adjust_for_base || response == "change") "BASE", covariates))
  known <- rows[complete.cases(rows[needed]), ]
  names <- groups_of(known)
  if (nrow(known) == 0) return(invisible())
  y <- if (response == "change") known$AVAL - known$BASE else known$AVAL
  design <- sapply(names, function(group) as.numeric(known$GROUP == group))
  design <- matrix(design, nrow = nrow(known))
  for (name in slopes) design <- cbind(design, known[[name]] - mean(known[[name]]))
  fit <- lm(y ~ 0 + design)
  free <- fit$df.residual
  contrast <- function(id, weights, n, tests) {
    value <- sum(weights * coef(fit))
    is_perfect <- free > 0 &&
      sqrt(sum(residuals(fit)^2) / free) <= 10 * .Machine$double.eps * max(abs(y))
    if (free < 1 || is_perfect) return(record(id, value, n = n))
    error <- sqrt(c(weights %*% vcov(fit) %*% weights))
    half <- qt((1 + level) / 2, free) * error
    p <- if (tests) 2 * pt(-abs(value / error), free) else NA
    record(id, value, value - half, value + half, p, n)
  }
  weights <- diag(ncol(design))
  if (any(is.na(coef(fit)))) return(invisible())
  for (i in seq_along(names)) {
    id <- number_id(analysis, names[i], "adjusted_mean")
    contrast(id, weights[i, ], sum(known$GROUP == names[i]), FALSE)
  }
  chosen <- if (is.null(groups)) names else groups
  if (length(chosen) == 2 && all(chosen %in% names)) {
    weights <- weights[match(chosen[1], names), ] - weights[match(chosen[2], names), ]
    id <- number_id(analysis, paste(chosen, collapse = "-"), "difference")
    contrast(id, weights, nrow(known), TRUE)
  }
}
"""

METHODS = {
    "mean": (CONSTANT, MEAN),
    "mean_difference": (CONSTANT, PERMUTATION, MEAN_DIFFERENCE),
    "permutation_test": (CONSTANT, PERMUTATION, PERMUTATION_TEST),
    "hodges_lehmann": (HODGES_LEHMANN,),
    "sign_flip": (CONSTANT, SIGN_FLIP),
    "spearman": (SPEARMAN,),
    "ancova": (ANCOVA,),
}
"""The texts that each method needs, by its name."""
