r"""Which option a completion chooses by its number, however that is written: `20km` of `20 km`, `0.5` of `1/2`."""

import re
from collections.abc import Sequence

from interp.text.comparable import comparable
from interp.text.final_number import final_number
from interp.text.numerals import Numeral, all_numerals, same_number
from interp.text.option_texts import Chosen

_UNIT = re.compile(r"[\s*_$~{}]*(?:\\(?:text|mathrm|,|;|\s)\s*\{?\s*)?(?P<unit>[^\W\d_]+|°\s?[A-Za-z]?)?")
_FORMULA = re.compile(r"\d|\\|\^|[⁰¹²³⁴-⁹₀-₉]")
TOLERANCE = 1e-9
"""Relative: the number is another way to write the same one."""


def chosen_by_number(options: Sequence[str], text: str) -> Chosen | None:
    """The only option whose number is the one that the text answers with, in the same unit if both have one."""
    said = final_number(text)
    if said is None or not said.is_read:
        return None
    numbers = [_number(option) for option in options]
    fitting = {i for i, one in enumerate(numbers) if one and same_number(said, one, tolerance=TOLERANCE)}
    unit = _unit(text, said)
    for i in fitting:
        own = _unit(options[i], numbers[i])
        if unit and own and unit != own:
            return None
    return Chosen(frozenset(fitting), (said.start, said.end)) if len(fitting) == 1 else None


def may_be_a_number(options: Sequence[str], text: str) -> bool:
    """Whether the text may name one of several options by a number or formula that is not read.

    It does not where it answers with a number that is read, and so is every option, and none of them is that number.
    """
    if not any(map(_FORMULA.search, options)) or not _FORMULA.search(text):
        return False
    said, numbers = final_number(text), [_number(option) for option in options]
    if said is None or not said.is_read or any(one is None for one in numbers):
        return True
    return any(one is not None and same_number(said, one, tolerance=TOLERANCE) for one in numbers)


def _number(option: str) -> Numeral | None:
    """The number of an option that is one number and its unit."""
    found = all_numerals(option)
    if len(found) != 1 or not found[0].is_read:
        return None
    rest = option[: found[0].start] + " " + option[found[0].end :]
    return found[0] if len(re.findall(r"[^\W\d_]+", rest)) <= 2 and not re.search(r"[<>≤≥^+×=]", rest) else None


def _unit(text: str, number: Numeral | None) -> str:
    match = None if number is None else _UNIT.match(text, number.end)
    return comparable((match["unit"] or "").replace(" ", "")).text if match else ""
