"""Activations on disk: shards that are whole or absent, read back a layer at a time."""
