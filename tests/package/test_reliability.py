"""docs/reliability.md: every row names a test, and that test exists."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reliability.md"


def named(text: str) -> list[tuple[str, str]]:
    """File and name of every test."""
    return re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", text)


def names_in(path: Path) -> set[str]:
    """Functions and values at the top of a file."""
    body = ast.parse(path.read_text(encoding="utf-8")).body
    functions = {node.name for node in body if isinstance(node, ast.FunctionDef)}
    return functions | {target.id for node in body if isinstance(node, ast.Assign) for target in node.targets}


def test_every_test_that_the_page_names_exists() -> None:
    missing = [
        (file, name) for file, name in named(PAGE.read_text(encoding="utf-8")) if name not in names_in(ROOT / file)
    ]
    assert missing == []


def test_every_row_of_what_happens_names_a_test() -> None:
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    rows = [line for line in lines if line.startswith("| ") and line.count("|") == 5 and "---" not in line]
    rows = [line for line in rows if not line.startswith("| what happens |")]
    assert len(rows) > 20
    assert [row for row in rows if len(named(row)) != 1] == []
