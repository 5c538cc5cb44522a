"""A probe at work: fitted on a whole run, saved, applied as a direction; thresholds and abstention."""
