"""Detectors of wrong answers side by side: log-probability, entropy, P(True), the probe, and any function."""
