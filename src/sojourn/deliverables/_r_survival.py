"""R text of the methods for times to events, by the packages survival and cmprsk."""

TIMES = r"""
# Times to an event. CNSR: 0 the event, 1 censored, 2 and above competing events.
followed <- function(rows) {
  rows <- rows[!is.na(rows$AVAL), ]
  is_late <- !is.na(rows$ENTRY) & rows$ENTRY > 0
  rows$SINCE <- ifelse(is_late, rows$ENTRY, -1)  # -1: from the origin, day 0 included
  rows
}

surv_of <- function(rows, event) {
  if (all(rows$SINCE < 0)) return(Surv(rows$AVAL, event))
  Surv(rows$SINCE, rows$AVAL, event)
}

# How few were ever at risk up to a time (without late entry: at risk just before it).
fewest_at_risk <- function(rows, at) {
  if (all(rows$SINCE < 0)) return(sum(rows$AVAL >= at))
  first <- max(0, min(rows$SINCE))
  times <- c(first, rows$AVAL, rows$SINCE)
  times <- unique(times[times >= first & times < at])
  after <- sapply(times, function(t) sum(rows$SINCE <= t & rows$AVAL > t))
  min(unlist(after), sum(rows$SINCE < at & rows$AVAL >= at))
}

# The day on which all at risk had the event though others came under observation later: survfit
# gives 0 from there on, whatever the others do; we give no number.
exhausted_on <- function(rows, event) {
  for (day in sort(unique(rows$AVAL[event]))) {
    at_risk <- sum(rows$SINCE < day & rows$AVAL >= day)
    if (at_risk == sum(event & rows$AVAL == day))
      return(if (any(rows$SINCE >= day)) day else Inf)
  }
  Inf
}

# Survival at a time with its bounds; exact binomial ones where survival is 1 or 0.
survival_at <- function(id, rows, at, interval, level) {
  if (nrow(rows) == 0 || at >= exhausted_on(rows, rows$CNSR == 0)) return(invisible())
  fit <- survfit(surv_of(rows, rows$CNSR == 0) ~ 1, conf.type = interval, conf.int = level)
  if (at > max(rows$AVAL) && min(fit$surv) > 0) return(invisible())  # nobody was followed so long
  made <- summary(fit, times = at, extend = TRUE)
  bounds <- c(made$lower, made$upper)
  tail <- (1 - level) / 2
  if (made$surv >= 1) bounds <- c(tail^(1 / fewest_at_risk(rows, at)), 1)
  if (made$surv <= 0) bounds <- c(0, 1 - tail^(1 / sum(rows$CNSR == 0 & rows$AVAL <= at)))
  record(id, made$surv, bounds[1], bounds[2], n = nrow(rows))
}
"""

KAPLAN_MEIER = r"""
# Survival at times, quantiles, follow-up (survfit).
kaplan_meier <- function(analysis, rows, at, quantiles, follow_up, interval, level) {
  for (group in groups_of(rows)) {
    here <- followed(rows[rows$GROUP == group, ])
    if (nrow(here) == 0) next
    for (time in at) {
      id <- number_id(analysis, group, paste0("survival_at_", time))
      survival_at(id, here, time, interval, level)
    }
    crossing <- function(operation, event, p) {
      fit <- survfit(surv_of(here, event) ~ 1, conf.type = interval, conf.int = level)
      made <- quantile(fit, probs = p)
      if (is.na(made$quantile)) return(invisible())
      if (made$quantile >= exhausted_on(here, event)) return(invisible())
      lower <- if (is.na(made$lower)) 0 else min(made$lower, made$quantile)
      record(number_id(analysis, group, operation), made$quantile, lower,
             max(made$upper, made$quantile), n = nrow(here))
    }
    for (p in quantiles) crossing(paste0("quantile_", p), here$CNSR == 0, p)
    if (follow_up) crossing("median_follow_up", here$CNSR == 1, 0.5)
  }
}
"""

RESTRICTED_MEAN = r"""
# The area under survival up to a horizon (survfit), and the difference of two groups.
restricted_mean <- function(analysis, rows, tau_days, groups, level) {
  tau <- tau_days
  operation <- paste0("restricted_mean_", tau)
  z <- qnorm((1 + level) / 2)
  means <- list()
  for (group in groups_of(rows)) {
    here <- followed(rows[rows$GROUP == group, ])
    if (nrow(here) == 0) next
    fit <- survfit(surv_of(here, here$CNSR == 0) ~ 1)
    if (tau > max(here$AVAL) && min(fit$surv) > 0) next
    if (tau > exhausted_on(here, here$CNSR == 0)) next
    value <- tau
    error <- 0
    if (tau > min(here$AVAL)) {  # summary refuses a horizon before the first time
      made <- summary(fit, rmean = tau)$table
      value <- unname(made[grep("rmean$", names(made))])
      error <- unname(made[grep("se\\(rmean", names(made))])
    }
    id <- number_id(analysis, group, operation)
    if (!any(here$CNSR == 0 & here$AVAL < tau)) {
      floor <- tau * ((1 - level) / 2)^(1 / fewest_at_risk(here, tau))
      record(id, value, floor, tau, n = nrow(here))
    } else if (error > 0) {
      record(id, value, max(value - z * error, 0), min(value + z * error, tau), n = nrow(here))
      means[[group]] <- c(value, error, nrow(here))
    }
  }
  chosen <- if (is.null(groups)) groups_of(rows) else groups
  if (length(chosen) == 2 && all(chosen %in% names(means))) {
    first <- means[[chosen[1]]]
    second <- means[[chosen[2]]]
    value <- first[1] - second[1]
    error <- sqrt(first[2]^2 + second[2]^2)
    name <- paste(chosen, collapse = "-")
    p <- 2 * pnorm(-abs(value / error))
    record(number_id(analysis, name, paste0(operation, "_difference")), value,
           value - z * error, value + z * error, p, first[3] + second[3])
  }
}
"""

COMPARED = r"""
# Whether groups were at risk together at all: survdiff then gives chi-squared 0, which is no test.
is_test <- function(made) sum(diag(as.matrix(made$var))) > 1e-12
"""

LOG_RANK = r"""
# The log-rank test (survdiff), and by all splits for two small groups.
log_rank <- function(analysis, rows, groups, weight, strata, max_exact) {
  here <- followed(rows)
  chosen <- if (length(groups)) groups else groups_of(rows)
  here <- here[here$GROUP %in% chosen, ]
  name <- paste(chosen, collapse = "-")
  id <- number_id(analysis, name, sub("-", "_", weight))
  layer <- if (length(strata)) interaction(here[strata], drop = TRUE) else rep(1, nrow(here))
  if (any(here$SINCE > 0)) {
    not_recomputed(id, "survdiff knows no late entry")
  } else if (length(unique(here$GROUP)) > 1 && any(here$CNSR == 0)) {
    rho <- if (weight == "peto-peto") 1 else 0
    made <- survdiff(Surv(AVAL, CNSR == 0) ~ GROUP + strata(layer), data = here, rho = rho)
    freedom <- length(unique(here$GROUP)) - 1
    p <- pchisq(made$chisq, freedom, lower.tail = FALSE)
    if (is_test(made)) record(id, p = p, n = nrow(here))
  }
  exact <- number_id(analysis, name, "exact_log_rank")
  if (!exact %in% numbers$ID) return(invisible())
  n <- nrow(here)
  first <- which(here$GROUP == chosen[1])
  if (choose(n, length(first)) > 2e5)
    return(not_recomputed(exact, "too many splits for base R's combn"))
  # observed minus expected events of a group is the sum of its subjects' log-rank scores
  risk <- function(u) sum(here$AVAL == u & here$CNSR == 0) / sum(here$AVAL >= u)
  deaths <- unique(here$AVAL[here$CNSR == 0])
  hazard <- function(t) sum(vapply(deaths[deaths <= t], risk, 0))
  scores <- (here$CNSR == 0) - sapply(here$AVAL, hazard)
  # the splits of the group's own size; the scores sum to 0
  sums <- colSums(matrix(scores[combn(n, length(first))], nrow = length(first)))
  far <- abs(sums) >= abs(sum(scores[first])) - 1e-9
  record(exact, p = mean(far), n = n)
}
"""

LANDMARK = r"""
# Survival from a landmark on, and the log-rank test of what was known there.
landmark <- function(analysis, rows, landmark_day, status_day, known_on, at, interval, level) {
  here <- followed(rows)
  here <- here[here$AVAL > landmark_day & here$SINCE <= landmark_day, ]
  here$SINCE <- rep(landmark_day, nrow(here))
  here$PART <- here$GROUP
  if (!is.null(status_day)) {
    reached <- as.numeric(here[[status_day]])
    has <- !is.na(reached) & reached <= landmark_day
    status <- paste0(ifelse(has, ": ", ": no "), status_day)
    here$PART <- paste0(here$GROUP, status, " by day ", landmark_day)
    here$HAS <- has
  }
  for (part in sort(unique(here$PART), method = "radix")) for (time in at) {
    id <- number_id(analysis, part, paste0("survival_at_", time, "_from_", landmark_day))
    survival_at(id, here[here$PART == part, ], time, interval, level)
  }
  by <- if (is.null(status_day)) here$GROUP else here$HAS
  within <- if (is.null(status_day)) rep(1, nrow(here)) else here$GROUP
  name <- if (is.null(status_day)) paste(groups_of(rows), collapse = "-") else status_day
  if (length(unique(by)) < 2 || !any(here$CNSR == 0)) return(invisible())
  made <- survdiff(Surv(here$AVAL - landmark_day, here$CNSR == 0) ~ by + strata(within))
  p <- pchisq(made$chisq, length(unique(by)) - 1, lower.tail = FALSE)
  id <- number_id(analysis, name, paste0("log_rank_from_", landmark_day))
  if (is_test(made)) record(id, p = p, n = nrow(here))
}
"""

CUMULATIVE_INCIDENCE = r"""
# Incidence with competing events (cuminc; survfit for the infinitesimal jackknife).
cumulative_incidence <- function(analysis, rows, at, causes, names, variance, interval, level) {
  status_of <- function(code) ifelse(code == 0, 1, ifelse(code == 1, 0, code))
  seen <- sort(unique(rows$CNSR[!is.na(rows$AVAL)]))
  causes <- if (length(causes)) causes else c(0, seen[seen > 1])
  z <- qnorm((1 + level) / 2)
  tail <- (1 - level) / 2
  for (group in groups_of(rows)) {
    here <- followed(rows[rows$GROUP == group, ])
    if (nrow(here) == 0) next
    status <- status_of(here$CNSR)
    is_over <- status[which.max(here$AVAL)] > 0 && all(status[here$AVAL == max(here$AVAL)] > 0)
    for (cause in causes) for (time in at) {
      of <- if (cause == 0) "incidence" else paste0("incidence_of_", cause)
      id <- number_id(analysis, group, paste0(of, "_at_", time))
      is_late <- any(here$SINCE > 0)
      if (time > max(here$AVAL) && !is_over) next  # nobody was followed so long
      if (time >= exhausted_on(here, here$CNSR != 1)) next
      estimate <- 0
      spread <- 0
      code <- status_of(cause)
      if (any(status == code)) {
        if (variance == "infinitesimal_jackknife" || is_late) {
          # by name: cause 3 is the second state where nobody has cause 2
          levels <- c(0, sort(unique(status[status > 0])))
          subject <- seq_len(nrow(here))
          fit <- survfit(surv_of(here, factor(status, levels)) ~ 1, id = subject)
          made <- summary(fit, times = time, extend = TRUE)
          estimate <- made$pstate[match(code, levels)]
          spread <- made$std.err[match(code, levels)]
        } else {
          curve <- cuminc(here$AVAL, status, cencode = 0)[[paste(1, code)]]
          step <- max(which(curve$time <= time))  # an event at the time itself is counted
          estimate <- curve$est[step]
          spread <- sqrt(curve$var[step])
        }
      }
      free <- 1 - estimate
      if (estimate <= 0) {
        at_risk <- fewest_at_risk(here, time)
        bounds <- c(0, if (at_risk) 1 - tail^(1 / at_risk) else 1)
      } else if (free <= 1e-12) {
        bounds <- c(tail^(1 / sum(status == code & here$AVAL <= time)), 1)
      } else if (interval == "log_log_event_free") {
        half <- z * spread / abs(free * log(free))
        bounds <- 1 - free^exp(c(-half, half))
      } else {
        half <- z * spread / abs(estimate * log(estimate))
        bounds <- estimate^exp(c(half, -half))
      }
      is_scaled <- estimate > 0 && free > 1e-12
      if (variance == "greenwood" && is_scaled)
        not_recomputed(id, "neither cuminc nor survfit has this variance", c("lower", "upper"))
      if (variance == "cmprsk" && is_late && is_scaled)
        not_recomputed(id, "cuminc's variance has no late entry", c("lower", "upper"))
      record(id, estimate, bounds[1], bounds[2], n = nrow(here))
    }
  }
}
"""

GRAY_TEST = r"""
# Gray's test (cuminc); a statistic below 0 says that it cannot be computed.
gray_test <- function(analysis, rows, cause, rho, strata) {
  name <- paste(groups_of(rows), collapse = "-")
  here <- followed(rows)
  status <- ifelse(here$CNSR == 0, 1, ifelse(here$CNSR == 1, 0, here$CNSR))
  code <- if (cause == 0) 1 else cause
  if (length(unique(here$GROUP)) < 2 || !any(status == code)) return(invisible())
  layer <- rep(1, nrow(here))
  if (length(strata)) layer <- as.integer(interaction(here[strata], drop = TRUE))
  tests <- cuminc(here$AVAL, status, here$GROUP, layer, rho = rho, cencode = 0)$Tests
  made <- tests[as.character(code), ]
  if (made[["stat"]] < 0) return(invisible())
  record(number_id(analysis, name, "gray_test"), p = made[["pv"]], n = nrow(here))
}
"""

MODEL = r"""
# Rows of a model: complete ones, with a column of 0 and 1 for each group but the reference.
model_of <- function(rows, covariates, reference) {
  here <- followed(rows)
  for (name in covariates) here[[name]] <- as.numeric(here[[name]])
  here <- here[complete.cases(here[c("AVAL", "CNSR", covariates)]), ]
  known <- groups_of(here)
  reference <- if (is.null(reference)) known[1] else reference
  others <- setdiff(known, reference)
  x <- sapply(others, function(group) as.numeric(here$GROUP == group))
  x <- matrix(x, nrow = nrow(here))
  for (name in covariates) x <- cbind(x, here[[name]])
  contrasts <- if (length(others)) paste(others, reference, sep = "-")
  list(rows = here, x = x, group = c(contrasts, rep("ALL", length(covariates))),
       suffix = c(rep("", length(others)), if (length(covariates)) paste0("_", covariates)))
}
"""

WALD = r"""
# How far each column reaches: over it, a ratio beyond exp(12) is a likelihood without maximum.
spans <- function(x) apply(x, 2, function(column) diff(range(column)))

# A ratio exp(b) with its Wald interval and p-value.
wald <- function(id, b, error, level, n) {
  bounds <- exp(b + c(-1, 1) * qnorm((1 + level) / 2) * error)
  record(id, exp(b), bounds[1], bounds[2], 2 * pnorm(-abs(b / error)), n)
}
"""

COX = r"""
# Hazard ratios (coxph), their proportionality (cox.zph).
cox <- function(analysis, rows, covariates, reference, strata, changes_at, cause, ties, level,
                min_events_per_term) {
  model <- model_of(rows, covariates, reference)
  here <- model$rows
  terms <- length(model$group)
  events <- sum(here$CNSR == cause)
  ids <- number_id(analysis, model$group, paste0("hazard_ratio", model$suffix))
  if (!is.null(changes_at)) {
    mine <- numbers$ID[startsWith(numbers$ID, paste0(analysis, "/"))]
    for (id in mine) not_recomputed(id, "the model's rows are cut where a covariate changes")
    return(invisible())
  }
  if (terms == 0 || events == 0 || events < terms * min_events_per_term) return(invisible())
  layer <- if (length(strata)) interaction(here[strata], drop = TRUE) else rep(1, nrow(here))
  x <- model$x
  control <- coxph.control(eps = 1e-11, toler.chol = 1e-12, iter.max = 50)
  fit <- suppressWarnings(coxph(surv_of(here, here$CNSR == cause) ~ x + strata(layer), ties = ties,
                                control = control))
  if (any(is.na(coef(fit)))) return(invisible())  # collinear
  errors <- sqrt(diag(vcov(fit)))
  n <- nrow(here)
  is_finite <- abs(coef(fit)) * spans(x) < 12
  zph <- if (all(is_finite)) cox.zph(fit, terms = FALSE)$table
  for (i in seq_len(terms)) {
    b <- coef(fit)[i]
    if (is_finite[i]) wald(ids[i], b, errors[i], level, n)
    else not_recomputed(ids[i], "coxph does not converge: the likelihood is monotone")
    id <- number_id(analysis, model$group[i], paste0("proportionality", model$suffix[i]))
    if (!is.null(zph)) record(id, p = zph[i, "p"], n = n)
  }
  if (!is.null(zph) && terms > 1)
    record(number_id(analysis, "ALL", "proportionality_of_all"), p = zph["GLOBAL", "p"], n = n)
  p <- pchisq(2 * diff(fit$loglik), terms, lower.tail = FALSE)
  record(number_id(analysis, "ALL", "likelihood_ratio_test"), p = p, n = n)
}
"""

FINE_GRAY = r"""
# Ratios of subdistribution hazards with the robust standard error (crr).
fine_gray <- function(analysis, rows, covariates, reference, cause, level, min_events_per_term) {
  model <- model_of(rows, covariates, reference)
  here <- model$rows
  terms <- length(model$group)
  status <- ifelse(here$CNSR == cause, 1, ifelse(here$CNSR == 1, 0, 2))
  events <- sum(status == 1)
  if (terms == 0 || events == 0 || events < terms * min_events_per_term || any(here$SINCE > 0))
    return(invisible())
  fit <- crr(here$AVAL, status, model$x, maxiter = 50)
  errors <- sqrt(diag(fit$var))
  ids <- number_id(analysis, model$group, paste0("subdistribution_hazard_ratio", model$suffix))
  for (i in seq_len(terms)) {
    b <- fit$coef[i]
    is_finite <- fit$converged && abs(b) * spans(model$x)[i] < 12
    if (is_finite) wald(ids[i], b, errors[i], level, nrow(here))
    else not_recomputed(ids[i], "crr does not converge: the likelihood is monotone")
  }
  test <- -2 * (fit$loglik.null - fit$loglik)
  record(number_id(analysis, "ALL", "pseudo_likelihood_ratio_test"),
         p = pchisq(test, terms, lower.tail = FALSE), n = nrow(here))
}
"""

METHODS = {
    "kaplan_meier": (TIMES, KAPLAN_MEIER),
    "restricted_mean": (TIMES, RESTRICTED_MEAN),
    "log_rank": (TIMES, COMPARED, LOG_RANK),
    "landmark": (TIMES, COMPARED, LANDMARK),
    "cumulative_incidence": (TIMES, CUMULATIVE_INCIDENCE),
    "gray_test": (TIMES, GRAY_TEST),
    "cox": (TIMES, MODEL, WALD, COX),
    "fine_gray": (TIMES, MODEL, WALD, FINE_GRAY),
}
"""The texts that each method needs, by its name."""
