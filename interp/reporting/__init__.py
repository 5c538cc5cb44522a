"""What a reader sees: heatmaps and other figures, sentences and headline numbers, the report."""
