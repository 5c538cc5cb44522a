"""The lens: what every cell would say if it were the last, and what heads and MLPs add to the answer's logit."""
