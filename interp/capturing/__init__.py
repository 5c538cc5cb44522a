"""From answers to activations: token positions, and the forward pass for residual vectors and attention metrics."""
