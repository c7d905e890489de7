# What R's survival and coin make of the cases in a JSON file; read by verify_survival.py.
suppressMessages({library(survival); library(jsonlite)})
options(digits = 15)
cases <- fromJSON(commandArgs(TRUE)[1], simplifyDataFrame = FALSE)
plain <- function(v) { v <- as.numeric(unname(v)); ifelse(is.finite(v), v, NA) }
probs <- c(.1, .25, .5, .75, .9)

curve <- function(case, kind, level) {
  S <- if (is.null(case$entry)) Surv(case$time, case$event) else Surv(case$entry, case$time, case$event)
  f <- survfit(S ~ 1, conf.type = kind, conf.int = level)
  q <- quantile(f, probs)
  list(time = f$time, risk = f$n.risk, surv = f$surv, se = plain(f$std.err * f$surv),
       lower = plain(f$lower), upper = plain(f$upper),
       q = plain(q$quantile), qlower = plain(q$lower), qupper = plain(q$upper))
}
one <- function(case) {
  out <- list()
  for (kind in c("log-log", "log", "plain")) for (level in c(.95, .99))
    out[[paste(kind, level)]] <- curve(case, kind, level)
  S <- if (is.null(case$entry)) Surv(case$time, case$event) else Surv(case$entry, case$time, case$event)
  f <- survfit(S ~ 1)
  tau <- max(case$time) * .8
  if (tau >= min(case$time)) {
    t <- summary(f, rmean = tau)$table
    out$rmean <- list(tau = tau, est = plain(t["rmean"]), se = plain(t["se(rmean)"]))
  }
  if (is.null(case$entry)) for (rho in c(0, 1)) {
    if (length(unique(case$group)) < 2) next
    s <- try(survdiff(Surv(time, event) ~ group, case, rho = rho), silent = TRUE)
    z <- try(survdiff(Surv(time, event) ~ group + strata(stratum), case, rho = rho), silent = TRUE)
    # A singular variance stops survdiff: it has no test then.
    if (inherits(s, "try-error") || inherits(z, "try-error")) next
    sums <- function(x) if (is.matrix(x)) rowSums(x) else x
    out[[paste0("test", rho)]] <- list(chisq = s$chisq, obs = s$obs, exp = s$exp,
      zchisq = z$chisq, zobs = sums(z$obs), zexp = sums(z$exp))
  } else {
    x <- try(suppressWarnings(coxph(S ~ factor(case$group), ties = "exact")), silent = TRUE)
    if (!inherits(x, "try-error")) out$score <- x$score
  }
  out
}
exact <- function(case) {
  x <- suppressWarnings(coin::logrank_test(Surv(time, event) ~ factor(group), case,
                                           distribution = "exact"))
  p <- try(as.numeric(coin::pvalue(x)), silent = TRUE)
  if (inherits(p, "try-error")) NULL else list(p = plain(p))
}
out <- list(curves = lapply(cases$curves, one))
if (requireNamespace("coin", quietly = TRUE)) {
  suppressMessages(library(coin))
  out$exact <- lapply(cases$exact, exact)
}
cat(toJSON(out, auto_unbox = TRUE, digits = NA, na = "null", null = "null"))
