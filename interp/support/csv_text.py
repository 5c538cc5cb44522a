"""Tables as CSV in which no text is a formula: what a model or a row says is not executed by a spreadsheet.

A text that a spreadsheet would take for a formula gets an apostrophe in front, as OWASP recommends
(https://owasp.org/www-community/attacks/CSV_Injection). `cell_text` takes it off again, so that what is read back is
what was written. Numbers stay numbers, negative ones too.
"""

import re
from typing import Any

import pandas as pd

_FORMULA = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")
"""The beginnings of one, with apostrophes that a text of its own may have before it."""
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?")


def cell(value: Any) -> Any:
    """What is written for a value: a text that could be a formula is kept from being one."""
    if isinstance(value, str) and _FORMULA.match(value) and not _NUMBER.fullmatch(value):
        return f"'{value}"
    return value


def cell_text(written: str) -> str:
    """The text for which `cell` is written."""
    return written[1:] if written.startswith("'") and _FORMULA.match(written) else written


def csv_text(table: pd.DataFrame) -> str:
    """The table as CSV, lines ending in "\\n"; its columns' names are texts too."""
    texts = table.select_dtypes(exclude=["number", "bool"]).columns
    written = table.assign(**{name: table[name].map(cell) for name in texts})
    return str(written.rename(columns=cell).to_csv(index=False, lineterminator="\n"))
