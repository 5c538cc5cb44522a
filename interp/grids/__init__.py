"""From activations and labels to grids: a probe for every layer and token, of states or of attention."""
