"""Who makes the pieces of a run that need its model: this process, workers on Ray, or a task of an array."""
