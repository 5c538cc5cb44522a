"""From completions to answers: right or wrong, and where the exact answer stands."""
