"""R text of the methods for counts: proportions, rates, odds."""

INTERVALS = r"""
# The interval of x successes of n; NULL where base R has none of that name.
binomial_interval <- function(x, n, level, interval) {
  tail <- (1 - level) / 2
  z <- qnorm(1 - tail)
  middle <- (x + z^2 / 2) / (n + z^2)
  half <- z * sqrt(middle * (1 - middle) / (n + z^2))
  score <- function(is_corrected)
    suppressWarnings(prop.test(x, n, conf.level = level, correct = is_corrected))
  lower_mid_p <- function(x) {
    if (x == 0) return(0)
    excess <- function(p) pbinom(x, n, p, lower.tail = FALSE) + dbinom(x, n, p) / 2 - tail
    uniroot(excess, c(0, 1), tol = 1e-14)$root
  }
  switch(interval,
    clopper_pearson = binom.test(x, n, conf.level = level)$conf.int,
    wilson = score(FALSE)$conf.int,
    wilson_corrected = score(TRUE)$conf.int,
    jeffreys = c(if (x > 0) qbeta(tail, x + 0.5, n - x + 0.5) else 0,
                 if (x < n) qbeta(1 - tail, x + 0.5, n - x + 0.5) else 1),
    agresti_coull = c(middle - half, middle + half),
    agresti_coull_clipped = c(max(0, middle - half), min(1, middle + half)),
    mid_p = c(lower_mid_p(x), 1 - lower_mid_p(n - x)),
    NULL)
}
"""

PROPORTION = r"""
# A proportion with its interval; who has no class (AVALC) is not in the denominator.
proportion <- function(analysis, rows, success, level, interval) {
  for (group in groups_of(rows)) {
    id <- number_id(analysis, group, "proportion")
    known <- rows[rows$GROUP == group & !is.na(rows$AVALC), ]
    n <- nrow(known)
    if (n == 0) next
    x <- sum(known$AVALC %in% success)
    bounds <- binomial_interval(x, n, level, interval)
    if (is.null(bounds)) {
      not_recomputed(id, paste("base R has no interval", interval), c("lower", "upper"))
      bounds <- c(NA, NA)
    }
    record(id, x / n, min(bounds[1], x / n), max(bounds[2], x / n), n = n)
  }
}
"""

BINOMIAL_TEST = r"""
# A proportion against a fixed one, as binom.test.
binomial_test <- function(analysis, rows, p0, success, alternative, test, level) {
  for (group in groups_of(rows)) {
    id <- number_id(analysis, group, "proportion")
    known <- rows[rows$GROUP == group & !is.na(rows$AVALC), ]
    n <- nrow(known)
    if (n == 0) next
    if (test != "minlike")
      not_recomputed(id, paste("binom.test has no", test, "p-value"), c("lower", "upper", "p"))
    x <- sum(known$AVALC %in% success)
    made <- binom.test(x, n, p0, alternative = sub("_", ".", alternative), conf.level = level)
    record(id, x / n, made$conf.int[1], made$conf.int[2], made$p.value, n)
  }
}
"""

POISSON_RATE = r"""
# Events (AVAL) by days at risk (DAY + 1, day 0 is one), for each per_days days.
poisson_rate <- function(analysis, rows, per_days, level, interval) {
  for (group in groups_of(rows)) {
    id <- number_id(analysis, group, "rate")
    known <- rows[rows$GROUP == group & !is.na(rows$AVAL), ]
    if (nrow(known) == 0) next
    events <- sum(known$AVAL)
    days <- sum(known$DAY + 1)
    bounds <- poisson.test(events, days, conf.level = level)$conf.int
    if (interval == "mid_p") {
      tail <- (1 - level) / 2
      lower <- function(m) ppois(events, m, lower.tail = FALSE) + dpois(events, m) / 2 - tail
      upper <- function(m) ppois(events, m) - dpois(events, m) / 2 - tail
      end <- 10 * (events + 10)
      bounds <- c(if (events) uniroot(lower, c(0, end), tol = 1e-13)$root else 0,
                  uniroot(upper, c(0, end), tol = 1e-13)$root) / days
    }
    rate <- events / days
    record(id, per_days * rate, per_days * min(bounds[1], rate), per_days * max(bounds[2], rate),
           n = nrow(known))
  }
}
"""

RATE_RATIO = r"""
# The ratio of two rates, exact given the sum of events (poisson.test).
rate_ratio <- function(analysis, rows, groups, level) {
  pair <- pair_of(rows[!is.na(rows$AVAL), ], groups)
  if (is.null(pair)) return(invisible())
  events <- c(sum(pair$first$AVAL), sum(pair$second$AVAL))
  days <- c(sum(pair$first$DAY + 1), sum(pair$second$DAY + 1))
  made <- poisson.test(events, days, conf.level = level)
  ratio <- (events[1] / days[1]) / (events[2] / days[2])
  id <- number_id(analysis, pair$name, "rate_ratio")
  n <- nrow(pair$first) + nrow(pair$second)
  if (!is.finite(ratio)) return(record(id, p = made$p.value, n = n))
  record(id, ratio, made$conf.int[1], made$conf.int[2], made$p.value, n)
}
"""

FISHER = r"""
# The conditional odds ratio with Fisher's test. fisher.test searches its estimate and bounds to
# about 1e-5 only; they are searched again here, from the conditional (noncentral) law.
fisher <- function(analysis, rows, success, groups, test, level) {
  pair <- pair_of(rows[!is.na(rows$AVALC), ], groups)
  if (is.null(pair)) return(invisible())
  yes <- c(sum(pair$first$AVALC %in% success), sum(pair$second$AVALC %in% success))
  no <- c(nrow(pair$first), nrow(pair$second)) - yes
  id <- number_id(analysis, pair$name, "odds_ratio")
  support <- max(0, sum(yes) - sum(yes[2], no[2])):min(yes[1] + no[1], sum(yes))
  base <- dhyper(support, yes[1] + no[1], yes[2] + no[2], sum(yes), log = TRUE)
  law <- function(log_odds) {
    weight <- base + support * log_odds
    weight <- exp(weight - max(weight))
    weight / sum(weight)
  }
  solve <- function(f) exp(uniroot(f, c(-60, 60), tol = 1e-13)$root)
  tail <- (1 - level) / 2
  p <- switch(test, minlike = fisher.test(rbind(yes, no))$p.value,
    central = min(1, 2 * min(sum(law(0)[support <= yes[1]]), sum(law(0)[support >= yes[1]]))))
  if (test == "mid_p")
    not_recomputed(id, "base R has no mid-p Fisher test", c("lower", "upper", "p"))
  n <- sum(yes, no)
  if (yes[1] == min(support) || yes[1] == max(support)) {
    if (yes[1] == max(support)) return(record(id, p = p, n = n))
    estimate <- 0
    lower <- 0
  } else {
    estimate <- solve(function(b) sum(support * law(b)) - yes[1])
    lower <- solve(function(b) sum(law(b)[support >= yes[1]]) - tail)
  }
  upper <- solve(function(b) sum(law(b)[support <= yes[1]]) - tail)
  record(id, estimate, lower, upper, p, n)
}
"""

TIPPING_POINT = r"""
# The proportion under every assumption on those without a result, and where the answer turns.
tipping_point <- function(analysis, rows, success, exceeds, level) {
  for (group in groups_of(rows)) {
    here <- rows[rows$GROUP == group, ]
    missing <- sum(is.na(here$AVALC))
    n <- nrow(here)
    x <- sum(here$AVALC %in% success)
    lower <- numeric()
    for (k in 0:missing) {
      size <- n
      bounds <- binom.test(x + k, size, conf.level = level)$conf.int
      lower <- c(lower, bounds[1])
      operation <- paste0("success_assumed_of_", k, "_of_", missing, "_missing")
      record(number_id(analysis, group, operation),
             (x + k) / size, bounds[1], bounds[2], n = size)
    }
    holds <- which(lower > exceeds) - 1
    if (length(holds) && length(holds) <= missing)
      record(number_id(analysis, group, "tipping_point"), holds[1], holds[1], holds[1], n = n)
  }
}
"""

BAYES = r"""
# The posterior of a proportion under a mixture of betas (rows: weight, a, b).
bayes_proportion <- function(analysis, rows, success, prior, control, p0, planned, threshold,
                             level) {
  mixture <- rbind(c(1, prior))
  if (!is.null(control)) {
    failures <- control$n - control$successes
    learned <- prior + control$discount * c(control$successes, failures)
    mixture <- rbind(c(1 - control$vague_weight, learned), c(control$vague_weight, prior))
    mixture <- mixture[mixture[, 1] > 0, , drop = FALSE]
  }
  updated <- function(x, n) {
    a <- mixture[, 2]
    b <- mixture[, 3]
    weight <- log(mixture[, 1]) + lbeta(a + x, b + n - x) - lbeta(a, b)
    weight <- exp(weight - max(weight))
    cbind(weight / sum(weight), a + x, b + n - x)
  }
  above <- function(m, p) sum(m[, 1] * pbeta(p, m[, 2], m[, 3], lower.tail = FALSE))
  for (group in groups_of(rows)) {
    known <- rows[rows$GROUP == group & !is.na(rows$AVALC), ]
    n <- nrow(known)
    if (n == 0) next
    x <- sum(known$AVALC %in% success)
    m <- updated(x, n)
    center <- sum(m[, 1] * m[, 2] / (m[, 2] + m[, 3]))
    bound <- function(q) uniroot(function(p) above(m, p) - 1 + q, c(0, 1), tol = 1e-15)$root
    lower <- min(bound((1 - level) / 2), center)
    record(number_id(analysis, group, "posterior_mean"), center, lower,
           max(bound((1 + level) / 2), center), n = n)
    exceeds <- above(m, p0)
    record(number_id(analysis, group, "probability_above_p0"), exceeds, exceeds, exceeds, n = n)
    if (is.null(planned) || planned < n) next
    left <- planned - n
    chance <- sapply(0:left, function(y) sum(m[, 1] * exp(lchoose(left, y) +
      lbeta(m[, 2] + y, m[, 3] + left - y) - lbeta(m[, 2], m[, 3]))))
    wins <- sapply(0:left, function(y) above(updated(x + y, planned), p0) > threshold)
    value <- sum(chance[wins])
    record(number_id(analysis, group, "predictive_probability"), value, value, value, n = n)
  }
}
"""

METHODS = {
    "bayes_proportion": (BAYES,),
    "proportion": (INTERVALS, PROPORTION),
    "binomial_test": (BINOMIAL_TEST,),
    "poisson_rate": (POISSON_RATE,),
    "rate_ratio": (RATE_RATIO,),
    "fisher": (FISHER,),
    "tipping_point": (TIPPING_POINT,),
}
"""The texts that each method needs, by its name."""
