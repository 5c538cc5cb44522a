"""Hooked models: the only room that knows which class of TransformerLens it holds."""
