"""One probe: estimators, the solver of the logistic one, and scores by probes that did not see the sample."""
