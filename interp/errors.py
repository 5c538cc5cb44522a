"""The exceptions users may catch; every message says what was expected, what came, where, and what to do."""


class InterpError(Exception):
    """Base of everything `interp` raises on purpose; the command line prints it alone and exits with status 2."""


class DataError(InterpError):
    """The rows, labels or arrays given do not fit (the message names file and line, or the sample id)."""


class NoSuchName(DataError, KeyError):
    """A name that a mapping of ours lacks; also Python's own error, by which `in` and `get` know."""

    __str__ = Exception.__str__  # KeyError shows the message as Python writes a text, in quotes


class ModelError(InterpError):
    """A model could not be loaded, or does not behave as a causal, hookable language model."""


class RunError(InterpError):
    """A run folder cannot be used: it holds another run, is damaged, or cannot be written."""
