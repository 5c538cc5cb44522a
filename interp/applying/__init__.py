"""Probes as tools: fitted once, saved, with thresholds, and used to abstain."""
