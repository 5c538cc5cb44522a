"""Folds, AUC, intervals, resampling: pure functions on arrays, used by every step after them."""
