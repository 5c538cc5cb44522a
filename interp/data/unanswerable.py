"""Questions that have no accepted answer: which they are, and what is said of them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from interp.errors import DataError

NO_ANSWER = "without an accepted answer"
NAMED = 5
"""How many of several rows are named in a message."""


LIKELY = {
    "question": ("prompt", "input", "instruction", "text", "sentence", "statement", "claim", "title", "premise", "ctx"),
    "answer": ("label", "target", "output", "response", "gold", "reference", "references", "solution", "final_answer"),
}
"""Columns that often hold a field, but as often something else: they are proposed, never taken."""
LABELLED_TEXTS = (("review", "sentiment"), ("text", "label"))
"""Texts to be labelled, which need a prompt that says how."""


def why_unanswerable(values: Mapping[str, Any]) -> str:
    """Why a question has no accepted answer: because the data say that it has none, or just so."""
    if str(values.get("is_impossible")).casefold() == "true":
        return "is_impossible"
    return "not answerable" if str(values.get("answerable")).casefold() == "false" else NO_ANSWER


def no_answer(places: Sequence[str], columns: Mapping[str, str], seen: Iterable[str]) -> DataError:
    """Why rows without an accepted answer stop a file: no row has the column, or in these it is empty."""
    column = columns.get("answer", "answer")
    if column not in seen:
        return missing(places[0], "answer", columns, seen)
    return DataError(
        f"{first_places(places)}: no answer: the column {column!r} is empty in {len(places)} row"
        f"{'s' * (len(places) > 1)}; bring an accepted answer or the row's own `correct`, or leave such rows out, "
        "counted, with skip_unanswerable=True (--skip-unanswerable)"
    )


def missing(where: str, field: str, columns: Mapping[str, str], found: Iterable[str]) -> DataError:
    """A column that has to be there is not, or is empty; with the columns that may be meant."""
    found = list(map(str, found))
    likely = [name for name in found if name.casefold() in LIKELY.get(field, ()) and name not in columns.values()]
    proposed = likely[0] if likely and field not in columns else "…"
    named = f"{{{field!r}: {proposed if proposed == '…' else repr(proposed)}}}"
    said = f"Name another with columns={named} (--columns {field}={proposed})"
    if any(set(pair) <= set(found) for pair in LABELLED_TEXTS):
        said += "; for movie reviews give dataset='imdb' (--dataset imdb), which asks for their sentiment"
    if any(name.isdigit() or len(name.split()) > 4 for name in found):  # no names, as in MMLU's own CSV
        said += "; in a CSV or TSV file the first line names the columns: write one where it is missing"
    return DataError(
        f"{where}: no {field}: expected text in the column {columns.get(field, field)!r}; "
        f"found the columns: {', '.join(found) or 'nothing'}. {said}"
    )


def first_places(places: Sequence[str]) -> str:
    """The first few of several rows, their file named once: `rows.jsonl:3, 7, 9 and 2 more`."""
    file = places[0].rpartition(":")[0]
    named = [places[0], *(place.removeprefix(f"{file}:") for place in places[1:NAMED])]
    return ", ".join(named) + (f" and {len(places) - NAMED} more" if len(places) > NAMED else "")
