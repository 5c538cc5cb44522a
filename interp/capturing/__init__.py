"""From answers to activations: token positions, residual vectors and attention metrics at them."""
