"""From scores to statements: grids side by side, their best cells, the five observations."""
