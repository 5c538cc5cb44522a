"""Hooked models: loaded, converted from GGUF, checked before they are used, run in batches."""
