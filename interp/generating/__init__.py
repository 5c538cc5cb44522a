"""From rows to completions: prompts, chat templates, generation, and any model that can be asked."""
