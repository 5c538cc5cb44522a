"""The worked example, continued: which tokens hold the exact answer, with invented tokens and spans found by hand."""

from collections.abc import Sequence

import pytest

from interp.text.matching import CandidateFinder
from interp.text.spans import TokenText


def token_text(*pieces: str | bytes) -> TokenText:
    """Tokens 0, 1, 2 … whose bytes are these pieces: a byte-level tokenizer."""
    vocabulary = [piece.encode() if isinstance(piece, str) else piece for piece in pieces]

    def decode(ids: Sequence[int]) -> str:
        return b"".join(vocabulary[i] for i in ids).decode(errors="replace")

    return TokenText.of(decode, range(len(pieces)))


# fmt: off
SPANS = {  # name: pieces, candidates, characters [begin, end) of the answer, its first and last token
    "a token that holds the answer and more":
        (["It", " is", " Paris.", " Yes"], ["paris"], (6, 11), (2, 2)),
    "a token that holds two words":
        (["In", " New York", " City"], ["York"], (7, 11), (1, 1)),
    "a tokenisation no tokenizer would choose":
        (["It is", " P", "ar", "i", "s", "."], ["Paris"], (6, 11), (1, 4)),
    "an answer glued to punctuation and the end":
        (["«", "Rome", "»", "</s>"], ["Rome"], (1, 5), (1, 1)),
    "an emoji cut in two":  # 😀 is F0 9F | 98 80: both tokens cover its one character
        (["So ", b"\xf0\x9f", b"\x98\x80", "!"], ["😀"], (3, 4), (1, 2)),
    "an answer after a cut emoji":
        (["So ", b"\xf0\x9f", b"\x98\x80", " Rome", "!"], ["Rome"], (5, 9), (3, 3)),
    "Chinese characters cut and joined":  # 京 is E4 BA AC
        (["答案是", "东\u4eac".encode()[:4], b"\xba\xac", "。"], ["东京"], (3, 5), (1, 2)),
    "no spaces, no boundaries":
        (["答案", "是东", "京市。"], ["东京"], (3, 5), (1, 2)),
    "the earliest of two":
        (["Rome", ". No, ", "Rome"], ["Rome"], (0, 4), (0, 0)),
    "the earliest although another is longer":
        (["Rome", ", near", " Vatican", " City"], ["Vatican City", "Rome"], (0, 4), (0, 0)),
    "the longest of those that begin together":
        (["In", " Guinea", "-", "Bissau", "."], ["Guinea", "Guinea-Bissau"], (3, 16), (1, 3)),
    "no word inside a word":  # Nigeria: 0-6, borders: 8-14, Niger: 16-20
        (["Niger", "ia", " borders", " Niger", "."], ["Niger"], (16, 21), (3, 3)),
    "no number inside a number":
        (["1998", " or", " 98"], ["98"], (8, 10), (2, 2)),
    "no letter or digit beside it, whatever it begins with":  # 3-5 holds -5
        (["3", "-5", " is", " -5", ";"], ["-5"], (7, 9), (3, 3)),
    "case folding that changes length":  # İ folds to i and U+0307: 9 characters for the 8 of the text
        (["See", " İ", "stanbul", " now"], ["İSTANBUL"], (4, 12), (1, 2)),
    "what stands after it":
        (["İİ", " is", " Rome"], ["ROME"], (6, 10), (2, 2)),
    "one character that folds to two":
        (["Die", " Stra", "ße", "."], ["STRASSE"], (4, 10), (1, 2)),
    "full-width letters":
        (["答えは", "Ｒｏ", "ｍｅ。"], ["Rome"], (3, 7), (1, 2)),
    "an accent of its own":  # e and U+0301 in the text, é in the candidate
        (["Caf", "e", "\u0301", " X"], ["café"], (0, 5), (0, 2)),
    "an accent that is missing":
        (["In ", "ist", "anbul", "."], ["İstanbul"], (3, 11), (1, 2)),
    "an accent of its own that the candidate lacks":  # the span takes the mark along
        (["Caf", "e", "\u0301", " X"], ["Cafe"], (0, 5), (0, 2)),
    "full stops that the candidate lacks":  # W 3-12, the full stop of D.C. at 18
        (["In ", "Washington", ", D", ".C", ".", " is"], ["Washington DC"], (3, 19), (1, 4)),
    "a number that is not part of another":  # 1.5: 0-2, 5: 9
        (["1", ".", "5", " m or ", "5", "."], ["5"], (9, 10), (4, 4)),
}
# fmt: on


@pytest.mark.parametrize("name", SPANS)
def test_span(name: str) -> None:
    pieces, candidates, characters, tokens = SPANS[name]
    located = token_text(*pieces)
    found = CandidateFinder(candidates).find(located.text)
    assert found[0] == characters
    assert located.tokens(*characters) == tokens


@pytest.mark.parametrize(
    ("text", "candidate"),
    [
        ("Nigeria", "Niger"),
        ("Oman's Romania", "Roman"),
        ("in 1998", "98"),
        ("3-5", "-5"),
        ("U.S.A.", "U.S."),
        ("1.98", "98"),
        ("as for us", "US"),
    ],
)
def test_what_does_not_match(text: str, candidate: str) -> None:
    assert CandidateFinder([candidate]).find(text) == []
    assert text not in CandidateFinder([candidate])


def test_every_occurrence_is_reported() -> None:
    assert CandidateFinder(["Rome"]).find("Rome. No, Rome; not Romeo") == [(0, 4), (10, 14)]


def test_characters_of_every_token() -> None:
    """c = 3, 3, 4, 9: the first half of the emoji adds nothing, but covers the character it begins."""
    located = token_text("So ", b"\xf0\x9f", b"\x98\x80", " Rome")
    assert located.text == "So 😀 Rome"
    assert [located.characters(k) for k in range(4)] == [(0, 3), (3, 4), (3, 4), (4, 9)]
