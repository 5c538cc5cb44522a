"""From scores to statements: AUC, intervals, grids side by side, the five observations."""
