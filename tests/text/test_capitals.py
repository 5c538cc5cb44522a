"""Which answers keep their capitals, and what a text must have for them."""

import pytest

from interp.text.capitals import FUNCTION_WORDS, ORDINARY_WORDS, has_capitals, kept_capitals


@pytest.mark.parametrize(
    ("candidate", "kept"),
    [
        ("US", "US"),
        ("U.S.", "US"),
        ("WHO", "WHO"),
        ("IT", "IT"),
        ("A", "A"),
        ("США", "США"),
        ("ＵＳ", "US"),
        ("May", "May"),
        ("Will", "Will"),
        ("He", "He"),
        ("AIDS", "AIDS"),
        ("Thé", "Thé"),
        ("may", None),
        ("a", None),
        ("Paris", None),
        ("PARIS", None),
        ("NATO", None),
        ("Green", None),
        ("Apple", None),
        ("YES", None),
        ("No", None),
        ("The Who", None),
        ("H2O", None),
        ("I'm", None),
        ("5", None),
        ("東京", None),
        ("", None),
    ],
)
def test_kept(candidate: str, kept: str | None) -> None:
    assert kept_capitals(candidate) == kept


@pytest.mark.parametrize(
    ("letters", "said", "fits"),
    [
        ("US", "US", True),
        ("US", "U.S.", True),
        ("US", "Us", False),
        ("May", "May", True),
        ("May", "MAY", True),
        ("May", "may", False),
        ("US", "ＵＳ", True),
        ("US", "USA", False),
    ],
)
def test_what_a_text_must_have(letters: str, said: str, fits: bool) -> None:
    assert has_capitals(letters, said) is fits


def test_no_word_that_is_an_answer_in_either_case_is_ordinary() -> None:
    assert ORDINARY_WORDS > FUNCTION_WORDS
    assert not ORDINARY_WORDS & {"yes", "no", "true", "false", "one", "two", "all", "none", "both", "up", "before"}
    assert all(word == word.lower() and word.isalpha() for word in ORDINARY_WORDS)
