"""A run on disk: its folder, its shards, what it takes to survive a crash."""
