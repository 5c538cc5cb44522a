"""From rows to answers: prompts, generation, correctness, and where the exact answer stands."""
