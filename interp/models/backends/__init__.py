"""What carries a model's hooks: one class for each class of TransformerLens, and room for others."""
