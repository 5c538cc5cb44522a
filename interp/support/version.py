"""The version of interp, as `pyproject.toml` has it."""

__version__ = "0.1.0"
