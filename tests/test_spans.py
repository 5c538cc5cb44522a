"""Token coverage and matching: properties over random Unicode, against slow oracles."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interp.matching import CandidateFinder, fold
from interp.spans import TokenText

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


def decode_bytes(ids) -> str:
    """A byte-level tokenizer without merges: one byte a token, incomplete characters as replacement characters."""
    return bytes(ids).decode("utf-8", errors="replace")


@given(text)
@settings(max_examples=200)
def test_every_byte_of_a_character_covers_it(string: str) -> None:
    """Oracle: token k covers the character that its byte belongs to."""
    ids = list(string.encode())
    tokens = TokenText.of(decode_bytes, ids)
    owner = []
    for i, char in enumerate(string):
        owner += [i] * len(char.encode())
    for i in range(len(string)):
        covering = [k for k, character in enumerate(owner) if character == i]
        assert tokens.tokens(i, i + 1) == (covering[0], covering[-1])


@given(st.lists(st.text(max_size=4), max_size=12), st.data())
def test_whole_character_tokens_are_found_by_their_offsets(pieces: list[str], data: st.DataObject) -> None:
    """Oracle: tokens that overlap the span by their own text (any tokenisation, empty tokens too)."""
    string = "".join(pieces)
    begin = data.draw(st.integers(0, len(string)))
    end = data.draw(st.integers(begin, len(string)))
    start = data.draw(st.integers(0, len(pieces)))
    tokens = TokenText.of(lambda ids: "".join(pieces[i] for i in ids), range(len(pieces)), start)
    hits, at = [], 0
    for k, piece in enumerate(pieces):
        low, high = at, at + len(piece)
        at = high
        if k >= start and low < end and begin < max(high, low + 1):
            hits.append(k)
    assert tokens.tokens(begin, end) == ((hits[0], hits[-1]) if hits else None)


@given(text)
@settings(max_examples=300)
def test_fold_is_nfkc_then_casefold_and_maps_back(string: str) -> None:
    folded = fold(string)
    assert folded.text == unicodedata.normalize("NFKC", string).casefold()
    assert len(folded.start) == len(folded.text) + 1 and folded.start[-1] == len(string)
    assert folded.start == sorted(folded.start)


@given(text, text, st.text("ab é", min_size=1, max_size=4).filter(str.strip))
def test_an_answer_between_blanks_is_found_where_it_stands(before: str, after: str, answer: str) -> None:
    string = f"{before} {answer} {after}"
    spans = CandidateFinder([answer]).find(string)
    assert spans and all(fold(string[a:b]).text == fold(answer.strip()).text for a, b in spans)
    assert spans[0][0] <= len(before) + 1 + answer.index(answer.strip()[0])


@pytest.mark.parametrize(
    ("string", "found"),
    [
        ("in Nigeria.", ["Nigeria"]),  # the longest at the earliest place
        ("in Nigerian", []),  # no boundary after it
        ("France, or FRANCE", ["France", "FRANCE"]),  # ambiguous: both occurrences
        ("首都は東京です", ["東京"]),  # no spaces in this script
        ("Paris是", ["Paris"]),  # a boundary between scripts
        ("she said \u201cParis\u201d", ["Paris"]),
        ("Co\u0302te d'Ivoire", ["Co\u0302te d'Ivoire"]),  # NFD text, NFC candidate
        ("ｐａｒｉｓ", ["ｐａｒｉｓ"]),
        ("ﬁn", ["ﬁn"]),  # a ligature folds to two letters
        ("ﬁn", ["ﬁn"]),
        ("İ", []),  # folds to i and a dot: the candidate i would cut a character
        ("Niger then Nigeria", ["Niger"]),  # the earliest, though another is longer
        ("Paris2", []),
        ("", []),
    ],
)
def test_candidates(string: str, found: list[str]) -> None:
    candidates = ["Niger", "Nigeria", "France", "東京", "Paris", "Côte d'Ivoire", "fin", "i"]
    assert [string[a:b] for a, b in CandidateFinder(candidates).find(string)] == found


@given(text, st.lists(st.text("aB éİ 東", min_size=1, max_size=3), min_size=1, max_size=4))
def test_earliest_then_longest_against_trying_everything(string: str, candidates: list[str]) -> None:
    """Oracle: all candidates at all places of an ASCII-folded text by brute force."""
    string = "".join(char for char in string if char.isascii()).replace("\0", "")
    plain = [c.strip().lower() for c in candidates if c.strip() and c.isascii()]
    low = string.lower()

    def free(a: int, b: int) -> bool:
        return not low[:a][-1:].isalnum() and not low[b:][:1].isalnum()

    hits = [(a, -len(c)) for c in plain for a in range(len(low)) if low.startswith(c, a) and free(a, a + len(c))]
    spans = CandidateFinder([c for c in candidates if c.isascii()]).find(string)
    assert (spans[0] if spans else None) == ((min(hits)[0], min(hits)[0] - min(hits)[1]) if hits else None)
