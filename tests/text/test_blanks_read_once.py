"""Thousands of blanks in a completion are read once: no pattern has two ways to share a run of them."""

import importlib
import pkgutil
import re
import sys

import pytest

import interp.text
from interp.text.chosen_option import chosen, names_an_option
from interp.text.final_number import final_number

if sys.version_info >= (3, 11):
    from re import _compiler as compiler
    from re import _constants as op
    from re import _parser as parser
else:
    import sre_compile as compiler
    import sre_constants as op
    import sre_parse as parser

BLANKS = " \n"
READ = (
    "chosen_option",
    "corrections",
    "final_number",
    "number_doubts",
    "option_numbers",
    "option_places",
    "option_words",
)
"""Modules that ask which option, or which number, a completion answers with."""
REPEATS = (op.MAX_REPEAT, op.MIN_REPEAT)


def patterns():
    for module in pkgutil.iter_modules(interp.text.__path__):
        if module.name in READ:
            held = importlib.import_module(f"interp.text.{module.name}")
            for name, value in vars(held).items():
                if isinstance(value, re.Pattern):
                    yield pytest.param(value, id=f"{module.name}.{name}")


def read(pattern, flags=0):
    """The items of a pattern."""
    return list(parser.parse(pattern, flags))


def parts(item):
    """The sequences inside an item, one of which it matches."""
    kind, value = item
    if kind is op.BRANCH:
        return [list(branch) for branch in value[1]]
    if kind is op.SUBPATTERN:
        return [list(value[-1])]
    return [list(value[2])] if kind in REPEATS else []


def skipped(item):
    """Whether an item can match nothing."""
    kind, value = item
    if kind in REPEATS:
        return value[0] == 0 or all(map(skipped, value[2]))
    if kind in (op.AT, op.ASSERT, op.ASSERT_NOT):
        return True
    return any(all(map(skipped, part)) for part in parts(item)) if parts(item) else False


def takes(item, char):
    """Whether an item of one character matches this one."""
    if item[0] not in (op.IN, op.LITERAL, op.NOT_LITERAL, op.ANY):
        return False
    return compiler.compile(parser.SubPattern(parser.State(), [item])).fullmatch(char) is not None


def is_run(item, char):
    """`\\s*` and its like."""
    kind, value = item
    return kind in REPEATS and value[1] is op.MAXREPEAT and len(value[2]) == 1 and takes(value[2][0], char)


def at_edge(sequence, found):
    """Whether something is found at the beginning of a sequence, or after what can be skipped."""
    for item in sequence:
        if found(item) or any(at_edge(part, found) for part in parts(item)):
            return True
        if not skipped(item):
            return False
    return False


def at_end(sequence, char):
    return any(
        is_run(item, char) or any(at_end(part, char) for part in parts(item))
        for k, item in enumerate(sequence)
        if all(map(skipped, sequence[k + 1 :]))
    )


def begins_with(item, char):
    """Whether a match may begin with this one character of an item, or directly after it."""
    kind, value = item
    if kind is op.ASSERT and value[0] == -1 and len(value[1]) == 1:
        return takes(value[1][0], char)
    inner = [] if kind in REPEATS else parts(item)
    return takes(item, char) or any(len(part) == 1 and begins_with(part[0], char) for part in inner)


def inside_a_run_refused(item):
    r"""`(?<!\\s)`: a match begins at the beginning of a run only."""
    return item[0] is op.ASSERT_NOT and item[1][0] == -1 and all(takes(item[1][1][0], char) for char in BLANKS)


def shared(sequence, char, may_fail=False, *, begins=True):
    """Whether two runs meet, or a run meets the very blank that begins a match, and what comes after may fail."""
    for k, item in enumerate(sequence):
        rest = sequence[k + 1 :]
        fails = may_fail or not all(map(skipped, rest))
        first = (
            begins and not any(inside_a_run_refused(one) for one in sequence[:k]) and all(map(skipped, sequence[:k]))
        )
        open_end = at_end([item], char) or (first and begins_with(item, char))
        if open_end and fails and at_edge(rest, lambda one: is_run(one, char)):
            return True
        if any(shared(part, char, fails, begins=first) for part in parts(item)):
            return True
    return False


@pytest.mark.parametrize("char", BLANKS, ids=repr)
@pytest.mark.parametrize("pattern", list(patterns()))
def test_no_two_parts_of_a_pattern_share_a_run_of_blanks(pattern, char):
    found = shared(read(pattern.pattern, pattern.flags), char)  # not in the assertion, which would print the whole tree
    assert not found


@pytest.mark.parametrize(
    ("pattern", "slow"),
    [
        *(
            (text, True)
            for text in (
                r"\s*,?\s*x",
                r"a\s*(?:\s*b|c)",
                r"\s*(?:an?)?[ \n]*x",
                r"(?:^|[\n.])\s*x",
                r"\n\s*x",
                r"(?:(?<=[\n.])|a)\s*x",
            )
        ),
        *((text, True) for text in (r"(?:a\s*)?\s*b", r"\s*(?:\.?\s+b|c)")),
        *(
            (text, False)
            for text in (r"\s*(?:,\s*)?x", r"\s*,\s*x", r"\s*,?\s*", r"\n[^\S\n]*x", r"(?:\s*,)*x", r"(?<!\s)\n\s*x")
        ),
    ],
)
def test_the_check_finds_what_is_shared(pattern, slow):
    assert any(shared(read(pattern), char) for char in BLANKS) is slow


@pytest.mark.parametrize("blanks", [" ", "\n", " \n", "\t", "\u3000"])
@pytest.mark.parametrize(
    "text", ["The answer is{}B", "Option B{}x", "B,{}x", "Paris{}x", "18{}x", "The answer is 18.{}Sorry, 20"]
)
def test_a_long_run_of_blanks_is_as_a_short_one(text, blanks):
    """Beyond what any rule looks back; only the places move."""
    options = ("London", "Paris")
    few, many = (text.format(blanks * n) for n in (200, 2000))
    picked = [chosen(options, one) for one in (few, many)]
    assert (picked[0] and picked[0].options) == (picked[1] and picked[1].options)
    assert names_an_option(options, few) is names_an_option(options, many)
    said = [final_number(one) for one in (few, many)]
    assert (said[0] and (said[0].value, said[0].doubtful)) == (said[1] and (said[1].value, said[1].doubtful))
