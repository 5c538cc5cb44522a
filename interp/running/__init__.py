"""A run from its first question to its report: the whole chain, `run` and `resume`, and what is recorded."""
