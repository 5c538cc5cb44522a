"""One word for one thing: names that once had two meanings stand in the rooms of the one that they have now."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "interp"

FORBIDDEN = {
    ("text", "data", "models"): {"fold", "folds", "folded", "Folded"},
    ("data", "text", "models", "generating", "labelling"): {"cell", "Cell", "Cells"},
    ("generating",): {"Choice", "choose", "choices"},
    ("capturing",): {"Rule"},
    ("data", "runs", "planning"): {"rules"},
    ("models", "generating", "labelling", "text"): {"store", "stored", "Stored"},
}
"""Names of functions, classes, arguments, attributes and variables that mean something else than these rooms would."""


def names(tree: ast.Module) -> set[str]:
    """Every name that a module gives or uses."""
    found: set[str] = set()
    for node in ast.walk(tree):
        for attribute in ("id", "attr", "arg", "name"):
            if isinstance(value := getattr(node, attribute, None), str):
                found.add(value)
    return found


@pytest.mark.parametrize(("rooms", "words"), FORBIDDEN.items(), ids=[",".join(sorted(w)) for w in FORBIDDEN.values()])
def test_a_name_has_one_meaning(rooms, words):
    used = {
        f"{path.relative_to(PACKAGE).as_posix()}: {word}"
        for room in rooms
        for path in (PACKAGE / room).rglob("*.py")
        for word in names(ast.parse(path.read_text(encoding="utf-8"))) & words
    }
    assert used == set()


def test_the_settings_of_a_run_are_read_from_its_record():
    """No `settings["settings"]`: run.json is the record, of which the settings are an entry."""
    twice = re.compile(r"settings\s*\[\s*[\"']settings[\"']\s*\]")
    found = [path.name for path in PACKAGE.rglob("*.py") if twice.search(path.read_text(encoding="utf-8"))]
    assert found == []


def test_every_word_of_the_glossary_is_explained_once():
    text = (ROOT / "docs" / "definitions.md").read_text(encoding="utf-8").split("\n## Words\n", 1)[1]
    lines = [line for line in text.splitlines() if line.startswith("| *")]
    words = [word for line in lines for word in re.findall(r"\*(.+?)\*", line.split("|")[1])]
    assert len(words) == len(set(words)) and {"cell", "fold", "choice", "rule", "site", "store", "seed"} <= {*words}
    assert all(line.split("|")[2].strip() for line in lines)
