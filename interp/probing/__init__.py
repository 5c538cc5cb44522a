"""From activations to scores: folds, estimators, solvers, the two grids, their controls."""
