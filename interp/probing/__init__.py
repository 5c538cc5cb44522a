"""From activations to scores: features, estimators, solvers, the two grids, their controls."""
