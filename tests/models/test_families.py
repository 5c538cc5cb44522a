"""Every family that TransformerLens bridges: right against plain Hugging Face, or refused in a sentence."""

from pathlib import Path

import pytest
from byte_tokenizer import save_byte_tokenizer
from families import FAMILIES
from family_check import DOCUMENT, outcome, references, rows, versions, written


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("families")
    save_byte_tokenizer(folder / "tokenizer")
    references(folder, [])
    return folder


TABLE = rows(DOCUMENT.read_text(encoding="utf-8"))


@pytest.mark.filterwarnings("ignore")  # a model's own, of what it lacks on this machine
@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_is_right_or_refused_as_the_table_says(place: Path, name: str) -> None:
    found = outcome(name, place, place / "tokenizer")
    if versions() in TABLE[0]:
        assert {row[0]: row[TABLE[0].index(versions())] for row in TABLE[1:]}[name] == found


def test_the_table_has_every_family_and_most_are_right() -> None:
    heading, *body = TABLE
    assert [row[0] for row in body] == list(FAMILIES)
    for column in range(2, len(heading)):
        assert sum(row[column].startswith("right") for row in body) >= 70
        assert all(row[column].startswith(("right", "refused: ")) for row in body)


def test_a_column_is_replaced_and_others_stay() -> None:
    text = "Said.\n\n| family | model type | other |\n|---|---|---|\n| gpt2 | `gpt2` | right |\n\nBehind.\n"
    once = written(text, dict.fromkeys(FAMILIES, "refused: so"))
    assert once.startswith("Said.\n\n| family | model type | other |") and once.endswith("|\n\nBehind.\n")
    twice = rows(written(once, dict.fromkeys(FAMILIES, "right")))
    assert twice[0] == ["family", "model type", "other", versions()]
    assert {row[0]: row[2] for row in twice}["gpt2"] == "right" and {row[3] for row in twice[1:]} == {"right"}
