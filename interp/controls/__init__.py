"""What else explains a bright cell: other labels, other features, shuffled labels."""
