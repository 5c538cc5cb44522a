"""Multiple choice: how the options stand in a prompt, and whether the one that a completion chooses is right."""

from collections.abc import Sequence
from string import Formatter, ascii_uppercase

from interp.data.rows import QARow
from interp.errors import DataError
from interp.text.chosen_option import chosen, names_an_option
from interp.text.option_texts import Span

__all__ = ["RULES", "TEMPLATE", "accepted", "chosen", "filled", "is_right", "lettered", "option_spans"]

TEMPLATE = "{question}\n{options}\nAnswer:"
"""The prompt of a row with options, where no other is given; its context, if it has one, stands before it."""

RULES = ("contains", "normalised", "choice", "label")
"""Rules of correctness that ask, of a row with options, which of them the completion chooses."""


# In a prompt ----------------------------------------------------------------------------------------------------------


def lettered(options: Sequence[str]) -> str:
    """The options as lines: `A. …`, `B. …`."""
    return "\n".join(f"{letter}. {option}" for letter, option in zip(ascii_uppercase, options, strict=False))


def shown_question(row: QARow) -> str:
    """The question with its options, if it has any."""
    return f"{row.question}\n{lettered(row.options)}" if row.options else row.question


def accepted(row: QARow) -> tuple[str, ...]:
    """The accepted answers as a judge is told them: `B. Paris`."""
    letters = zip(ascii_uppercase, row.options, strict=False)
    shown = tuple(f"{letter}. {option}" for letter, option in letters if letter in row.right_letters)
    return shown or row.answers


def filled(template: str | None, row: QARow) -> str:
    """The template with the row's fields; options follow the question where it does not name `{options}`.

    Raises DataError for a field that the row lacks.
    """
    if template is None:
        template = TEMPLATE if row.options else "{question}"
        template = "{context}\n\n" + template if row.options and row.context is not None else template
    names = {name for _, name, _, _ in Formatter().parse(template)}
    for name, value in (("context", row.context), ("options", row.options or None)):
        if name in names and value is None:
            raise DataError(
                f"{row.source or row.id}: the prompt template names {{{name}}}, but the row has no `{name}`"
            )
    question = row.question if "options" in names else shown_question(row)
    return template.format(question=question, context=row.context, options=lettered(row.options))


# In a completion ------------------------------------------------------------------------------------------------------


def is_right(row: QARow, completion: str) -> bool | None:
    """Whether the option chosen is accepted.

    None: options are named, and none of them is clearly chosen. A completion that names no option is wrong.
    """
    if not row.right_letters:
        return None
    found = chosen(row.options, completion)
    if found is None:
        return None if names_an_option(row.options, completion) else False
    return any(ascii_uppercase[i] in row.right_letters for i in found.options)


def option_spans(row: QARow, completion: str) -> list[Span]:
    """Where the chosen option is named, as the exact answer; [] if none is."""
    found = chosen(row.options, completion)
    return [] if found is None else [found.span]
