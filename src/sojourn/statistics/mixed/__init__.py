"""Linear models for repeated measures of few subjects: REML, Kenward-Roger, Satterthwaite."""
