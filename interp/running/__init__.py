"""A run from its first question to its report, through crashes and on again."""
