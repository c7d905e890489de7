"""What is assumed where values are missing: imputation, reference-based, tipping points."""
