"""R text around the analyses: reading, recording, comparing, the table and the exit status."""

HEAD = r"""
# How to run it:   Rscript {name}
# It needs R with the packages survival and cmprsk (Debian: r-base-core, r-cran-survival,
# r-cran-cmprsk) and the folder {data} beside it. It writes nothing.
#
# {data}/numbers.csv  every number of results.json, as sojourn computed it
# {data}/<analysis>.csv  the outcome rows that the analysis took; an empty cell is a missing value
#
# It recomputes each number from those rows, prints both and their difference, and exits with
# status 1 if any lies beyond its tolerance or was neither recomputed nor excused with a reason.

suppressPackageStartupMessages({{
  library(survival)
  library(cmprsk)
}})
options(digits = 15, warn = 1)
DATA <- "{data}"
"""

FRAME = r"""
arguments <- commandArgs(trailingOnly = FALSE)
script <- grep("^--file=", arguments, value = TRUE)
path <- if (length(script)) sub("^--file=", "", script[1]) else "."
here <- if (length(script)) dirname(gsub("~+~", " ", path, fixed = TRUE)) else "."

read_text <- function(name) {
  # Only an empty cell is missing: a class that is called NA stays a class.
  read.csv(file.path(here, DATA, name), colClasses = "character", na.strings = "",
           check.names = FALSE, encoding = "UTF-8")
}

rows_of <- function(analysis) {
  rows <- read_text(paste0(analysis, ".csv"))
  for (column in intersect(c("AVAL", "CNSR", "ENTRY", "BASE", "DAY"), names(rows)))
    rows[[column]] <- as.numeric(rows[[column]])
  rows
}

groups_of <- function(rows) sort(unique(rows$GROUP), method = "radix")

numbers <- read_text("numbers.csv")
WHAT <- c("value", "lower", "upper", "p", "n")
found <- list()    # by number and quantity, what R computes
excused <- list()  # by number and quantity, why R does not

record <- function(id, value = NA, lower = NA, upper = NA, p = NA, n = NA) {
  made <- as.numeric(c(value, lower, upper, p, n))
  made[!is.finite(made)] <- NA  # an infinite bound is an empty cell
  found[[id]] <<- setNames(made, WHAT)
}

not_recomputed <- function(id, reason, what = WHAT) {
  for (quantity in what) excused[[paste(id, quantity)]] <<- reason
}

recompute <- function(method, analysis, ...) {
  failed <- function(e) cat("R stopped in", analysis, ":", conditionMessage(e), "\n")
  tryCatch(method(analysis, rows_of(analysis), ...), error = failed)
}

number_id <- function(analysis, group, operation) paste(analysis, group, operation, sep = "/")

# Two groups to compare: the two named, else the first two by name; NULL if one is not there.
pair_of <- function(rows, groups) {
  known <- groups_of(rows)
  chosen <- if (is.null(groups)) known else groups
  if (length(chosen) != 2 || !all(chosen %in% known)) return(NULL)
  list(name = paste(chosen, collapse = "-"), first = rows[rows$GROUP == chosen[1], ],
       second = rows[rows$GROUP == chosen[2], ])
}
"""

REPORT = r"""
# ---- comparison ---------------------------------------------------------------------------------

show <- function(x) ifelse(is.na(x), "-", formatC(x, digits = 10, format = "g"))
short <- function(x) ifelse(is.na(x), "-", formatC(x, digits = 2, format = "e"))
lines <- list()
for (i in seq_len(nrow(numbers))) {
  number <- numbers[i, ]
  mine <- found[[number$ID]]
  for (quantity in WHAT) {
    theirs <- as.numeric(number[[toupper(quantity)]])
    ours <- if (is.null(mine)) NA else mine[[quantity]]
    reason <- excused[[paste(number$ID, quantity)]]
    has_number <- !is.na(number$VALUE) || !is.na(number$P)
    if (is.na(theirs) && is.na(ours)) next
    if (!has_number && quantity == "n") next
    if (!is.null(reason)) {
      lines[[length(lines) + 1]] <- data.frame(id = number$ID, role = number$ROLE, what = quantity,
        sojourn = theirs, R = NA, difference = NA, state = "excused")
      next
    }
    difference <- if (is.na(theirs) || is.na(ours)) Inf else abs(ours - theirs)
    limit <- as.numeric(number$TOLERANCE) * max(1, abs(theirs), na.rm = TRUE)
    lines[[length(lines) + 1]] <- data.frame(id = number$ID, role = number$ROLE, what = quantity,
      sojourn = theirs, R = ours, difference = difference,
      state = if (difference <= limit) "ok" else "FAILED")
  }
}
table <- do.call(rbind, lines)

if (is.null(table)) {
  cat("No analysis has a number.\n")
  table <- data.frame(id = character(), what = character(), state = character(),
    difference = numeric())
} else {
  printed <- data.frame(id = table$id, role = table$role, what = table$what,
    sojourn = show(table$sojourn), R = show(table$R),
    difference = short(table$difference), state = table$state)
  options(width = 200)
  print(printed, row.names = FALSE, right = FALSE)
}

is_excused <- table$state == "excused"
if (any(is_excused)) {
  cat("\nNot recomputed, and why:\n")
  key <- paste(table$id, table$what)[is_excused]
  reasons <- unlist(excused)[key]
  for (reason in unique(reasons)) {
    cat("  ", reason, "\n", sep = "")
    here <- table[is_excused, ][reasons == reason, ]
    for (id in unique(here$id))
      cat("    ", id, ": ", paste(here$what[here$id == id], collapse = ", "), "\n", sep = "")
  }
}
empty <- numbers[is.na(numbers$VALUE) & is.na(numbers$P), ]
if (nrow(empty)) {
  cat("\nWithout a number in results.json, and why:\n")
  cat(paste0("  ", empty$ID, ": ", empty$REASON, "\n"), sep = "")
}

compared <- table[table$state != "excused", ]
failed <- compared[compared$state == "FAILED", ]
if (nrow(compared)) {
  worst <- compared[which.max(compared$difference), ]
  cat("\nlargest difference: ", short(worst$difference), " (", worst$what, " of ", worst$id, ")\n",
      sep = "")
} else cat("\nlargest difference: none, nothing was compared\n")
cat(nrow(compared), " quantities of ", length(unique(compared$id)), " numbers compared, ",
    nrow(failed), " beyond tolerance; ", sum(is_excused), " not recomputed\n",
    sep = "")
if (nrow(failed))
  cat(paste0("FAILED: ", failed$what, " of ", failed$id, "\n"), sep = "")
quit(status = if (nrow(failed)) 1 else 0)
"""
