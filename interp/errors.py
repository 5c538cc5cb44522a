"""The exceptions users may catch; every message says what was expected, what came, where, and what to do."""

import re

UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)
"""Control characters (ANSI's escape), what turns the direction of the text around it, halves of surrogate pairs (which
neither a notebook nor a terminal could take), and what HTML forbids."""


def escaped(character: str) -> str:
    """A character as Python writes it: `\\x1b`."""
    return character.encode("unicode_escape").decode("ascii")


def visible(text: str) -> str:
    """A text that does nothing to a terminal: control characters but the ends of lines are written out."""
    return UNSEEN.sub(lambda found: found[0] if found[0] in "\n\t" else escaped(found[0]), text)


class InterpError(Exception):
    """Base of everything `interp` raises on purpose; the command line prints it alone and exits with status 2."""

    def __str__(self) -> str:
        """The message, `visible`: it may quote rows, models and names of files."""
        return visible(super().__str__())


class DataError(InterpError):
    """The rows, labels or arrays given do not fit (the message names file and line, or the sample id)."""


class NoSuchName(DataError, KeyError):
    """A name that a mapping of ours lacks; also Python's own error, by which `in` and `get` know."""

    def __str__(self) -> str:
        """KeyError would show the message as Python writes a text, in quotes."""
        return visible(Exception.__str__(self))


class ModelError(InterpError):
    """A model could not be loaded, or does not behave as a causal, hookable language model."""


class RunError(InterpError):
    """A run folder cannot be used: it holds another run, is damaged, or cannot be written."""
