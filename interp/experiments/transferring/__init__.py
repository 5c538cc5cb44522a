"""Generalisation: a probe of one run's answers on another run's, for any number of runs of one model."""
