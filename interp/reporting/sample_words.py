"""What a notebook says of one sample of a run: why it has no scores or tokens, and what the shades mean."""

from interp.support.units import decimal

SCORED = "held out; blue: more like a right answer, orange and dotted: more like a wrong one"
NOT_SCORED = (
    "No probe scored it: it is in no grid, which hold labelled samples only and, unless all of them take part, those "
    "with an exact answer."
)
NO_CELL = (
    "No probe scored it, though it is in the grids: every cell is undefined (`run.probe.reason` says why), or of a "
    "role that it lacks."
)
NO_TEXT = "The run's tokenizer cannot be read, so there is no text to colour."


def not_apart(why: str) -> str:
    """Why the text is not shown token by token."""
    return f"Tokens cannot be told apart: {why}"


def attention_key(role: str, limit: float) -> str:
    """What the shades of attention mean."""
    return f"Framed: {role}. Deepest from a weight of {decimal(limit)} on; point at a token for its own."
