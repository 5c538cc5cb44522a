"""From completions to labelled answers: which are right, by rule or judge, and where the exact answer stands."""
