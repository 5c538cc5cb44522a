"""A run on disk: its folder, settings, samples and record, its lock, and how far it is."""
