"""What a reader of a run sees in words is written in `reporting`: every other room computes facts."""

import ast
import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "interp"

ELSEWHERE = {
    "command": "the command line's own help, and what it says while it works",
    "comparing/observations.py": "claims and notes are columns of the public table `interp.observations`",
    "data/dataset_records.py": "questions that a model reads",
    "data/datasets.py": "prompts that a model reads",
    "data/forms.py": "questions that a model reads",
    "demo": "texts that the demo's model learns from, and the help of the program that trains it",
    "labelling/extraction.py": "a prompt that a model reads",
    "labelling/judge.py": "a prompt that a model reads",
    "models/preflight.py": "a sentence that a model reads",
    "experiments/detecting/ccs.py": "statements that a model reads",
    "experiments/intervening/variables.py": "the variables of a result, for docstrings",
    "experiments/transferring/variables.py": "the variables of a result, for docstrings",
    "experiments/choosing/variables.py": "the variables of a dataset, for docstrings",
    "experiments/error_types/variables.py": "the variables of a dataset, for docstrings",
    "experiments/lens/variables.py": "the variables of a dataset, for docstrings",
    "generating/chat.py": "a macro for chat templates",
    "grids/variables.py": "the variables of a grid, for docstrings",
    "support/parameters.py": "parameters, for docstrings and the reference",
    "support/renamed.py": "docstrings of old names",
    "support/units.py": "how sizes, times and numbers are written, whoever writes them",
}
"""Folders and files that hold text of other kinds, and which. In `text`, constants are patterns and lists of words."""

SENTENCE = re.compile(r"[.!?][\"'’”)`]*\s*\Z")
PRECISION = re.compile(r"[+,]?\.\d[feg%]")
WORDS, LONG = 4, 18
"""A text of so many words that ends as a sentence does is one; a long one is, however it ends."""

ERRORS = re.compile(r"(Error|warnings\.warn|re\.compile|PerhapsFromOne)$")
"""Calls whose texts are errors, warnings, or patterns."""
CHECKS = {"too_large", "_too_large", "_advice", "damaged"}
"""Functions that make the text of an error which others raise."""
REMEDIES = {"remedy"}
"""Arguments that end up in the text of an error, and what holds them."""


def told(node: ast.AST) -> str | None:
    """A text in the code, an X for what is filled in."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "X" for part in node.values)
    return None


def of_another_kind(tree: ast.Module) -> set[ast.AST]:
    """What belongs to errors and warnings, docstrings, patterns, or a `__repr__`."""
    found: set[ast.AST] = set()
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Raise)
            or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
            or (isinstance(node, ast.Call) and ERRORS.search(ast.unparse(node.func)))
            or (isinstance(node, ast.FunctionDef) and (node.name == "__repr__" or node.name in CHECKS))
            or (isinstance(node, ast.keyword) and node.arg in REMEDIES)
            or (isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in REMEDIES)
        ):
            found.update(ast.walk(node))
        elif isinstance(node, ast.JoinedStr):
            found.update(part for part in node.values if isinstance(part, ast.Constant))
            found.update(
                part.format_spec for part in node.values if isinstance(part, ast.FormattedValue) and part.format_spec
            )
    return found


def precise(node: ast.AST) -> bool:
    """Whether a number is filled in as it is shown to a reader: rounded, as a percentage, with a sign."""
    parts = node.values if isinstance(node, ast.JoinedStr) else []
    specs = (part.format_spec for part in parts if isinstance(part, ast.FormattedValue) and part.format_spec)
    return any(PRECISION.search(told(spec) or "") for spec in specs)


def prose(text: str, *, patterns: bool = False) -> list[str]:
    """Texts of a module that are for a reader: sentences, long texts, and numbers that are rounded for the eye.

    `patterns`: its constants are none.
    """
    tree = ast.parse(text)
    skipped, found = of_another_kind(tree), []
    if patterns:
        skipped |= {inner for node in tree.body if isinstance(node, ast.Assign) for inner in ast.walk(node)}
    for node in ast.walk(tree):
        said = None if node in skipped else told(node)
        if said is None:
            continue
        words = len(re.findall(r"[^\W\d_]{2,}", said))
        if (words >= WORDS and SENTENCE.search(said)) or words >= LONG or precise(node):
            found.append(f"{node.lineno}: {said[:60]}")
    return found


def test_sentences_for_a_reader_are_written_in_reporting_alone():
    found = {
        path.relative_to(PACKAGE).as_posix(): lines
        for path in sorted(PACKAGE.rglob("*.py"))
        if (lines := prose(path.read_text(encoding="utf-8"), patterns=path.parent.name == "text"))
    }
    outside = {
        name: lines for name, lines in found.items() if not {"reporting", *ELSEWHERE} & {name, name.partition("/")[0]}
    }
    assert outside == {}
    used = {name if name in ELSEWHERE else name.partition("/")[0] for name in found}
    assert used == {"reporting", *ELSEWHERE}  # no exception that nobody needs


@pytest.mark.parametrize(
    "line",
    [
        'note = "A judge labelled the answers."',
        'return [f"{n} of {m} answers were cut off."]',
        'lines.append(f"mean {value:+.3f}")',
        'lines.append(f"{share:.0%} right")',
        'return "the model has a chat template and prompts are plain text, so that a chat model answers otherwise than its users see"',
    ],
)
def test_prose_is_found(line):
    assert prose(f"def f():\n    {line}")


@pytest.mark.parametrize(
    "line",
    [
        'raise DataError("There is nothing to be done about it.")',
        'return DataError(f"{n} rows have no answer at all. Give one.")',
        'warnings.warn("The rows are left out, and counted.")',
        '"""What it is for, in one sentence."""',
        'places(rows, remedy="give the answers that were captured. Or others.")',
        'x = "one two three"',
        'key = f"shard-{index:05}"',
    ],
)
def test_errors_docstrings_and_keys_are_none(line):
    assert prose(f"def f():\n    {line}") == []
