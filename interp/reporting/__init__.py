"""What a reader sees: heatmaps and the report."""
