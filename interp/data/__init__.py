"""Rows of questions: what a user brings, and the data sets that are known by name."""
