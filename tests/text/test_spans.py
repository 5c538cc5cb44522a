"""Token coverage and matching: properties over random Unicode, against slow oracles."""

import unicodedata
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers_offline import KINDS, tokenizer

from interp.generating.prompts import decoder
from interp.text import spans
from interp.text.matching import CandidateFinder, comparable
from interp.text.spans import TokenText

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


def decode_bytes(ids) -> str:
    """A byte-level tokenizer without merges: one byte a token, incomplete characters as replacement characters."""
    return bytes(ids).decode("utf-8", errors="replace")


@given(text.filter(lambda string: "\ufffd" not in string))  # which also stands for a character that is cut
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
        if k >= start and set(range(low, max(high, low + 1))) & set(range(begin, end)):
            hits.append(k)
    assert tokens.tokens(begin, end) == ((hits[0], hits[-1]) if hits else None)


@given(text)
@settings(max_examples=300)
def test_fold_is_nfkc_then_casefold_and_maps_back(string: str) -> None:
    compared = comparable(string)
    assert compared.text == unicodedata.normalize("NFKC", string).casefold()
    assert len(compared.start) == len(compared.text) + 1 and compared.start[-1] == len(string)
    assert compared.start == sorted(compared.start)


@given(text, text, st.text("ab é", min_size=1, max_size=4).filter(str.strip))
def test_an_answer_between_blanks_is_found_where_it_stands(before: str, after: str, answer: str) -> None:
    string = f"{before} {answer} {after}"
    spans = CandidateFinder([answer]).find(string)
    assert spans and all(comparable(string[a:b]).text == comparable(answer.strip()).text for a, b in spans)
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


# ---- four kinds of tokenizer, against the definition's words ---------------------------------------------------------------


def covered_by_the_definition(decode, ids: list[int]) -> list[range]:
    """ "With text_k = decode(ids[:k+1]) and c_k = length of the common prefix of text_k and the full text, token k covers
    characters [c_{k-1}, max(c_k, c_{k-1}+1))." """
    full, before, covered = decode(ids), 0, []
    for k in range(len(ids)):
        text_k, c = decode(ids[: k + 1]), 0
        while c < len(text_k) and c < len(full) and text_k[c] == full[c]:
            c += 1
        covered.append(range(before, max(c, before + 1)))
        before = c
    return covered


pieces_of_text = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=6),
    st.sampled_from(
        [
            "Lyon",
            " is",
            " Paris.",
            "“Rome”",
            "東京",
            " 😀😀",
            "👩\u200d👩\u200d👧",
            "é",
            "é",
            "İ",
            "ﬁ",
            "\u200d",
            "  ",
            "\n",
            "�",
            "</s>",
            "<turn>",
            "ሰላም",
            "नमस्ते",
            "12,345.6",
            "ß",
            "Ａ",
        ]
    ),
)


@st.composite
def token_ids(draw: st.DrawFn, kind: str) -> list[int]:
    """Ids a model might produce: pieces encoded one by one (so the tokenisation is not canonical), and stray tokens."""
    tok, ids = tokenizer(kind), []
    for piece in draw(st.lists(pieces_of_text, max_size=8)):
        ids += tok(piece, add_special_tokens=False)["input_ids"]
        ids += draw(st.lists(st.integers(0, len(tok) - 1), max_size=2))
    return ids


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
@settings(max_examples=120)
def test_every_token_covers_what_the_definition_says(kind: str, data: st.DataObject) -> None:
    """With blocks of any size, that is: with windows as well as with whole prefixes, from any token on."""
    decode, ids = decoder(tokenizer(kind)), data.draw(token_ids(kind))
    block, start = data.draw(st.integers(1, 12)), data.draw(st.integers(0, len(ids)))
    covered = covered_by_the_definition(decode, ids)
    with mock.patch.object(spans, "BLOCK", block):
        tokens = TokenText.of(decode, ids, start)
    assert tokens.text == decode(ids)
    assert [tokens.characters(k) for k in range(start, len(ids))] == [(r.start, r.stop) for r in covered[start:]]
    begin = data.draw(st.integers(0, len(tokens.text)))
    end = data.draw(st.integers(begin, len(tokens.text)))
    hits = [k for k, r in enumerate(covered) if k >= start and set(r) & set(range(begin, end))]
    assert tokens.tokens(begin, end) == ((hits[0], hits[-1]) if hits else None)


@pytest.mark.parametrize("kind", KINDS)
def test_long_texts_are_decoded_in_windows(kind: str) -> None:
    """Three times the tokens: the ids that are decoded grow far less than ninefold (whole prefixes: ninefold)."""
    tok, decoded = tokenizer(kind), [0]
    plain = decoder(tok)

    def decode(ids) -> str:
        decoded[0] += len(ids)
        return plain(ids)

    ids = tok("Lyon is in France. The answer is Niger; 12,345.6 is not. " * 45, add_special_tokens=False)["input_ids"]
    short, long = ids[:300], ids[:900]
    cost = {}
    for part in (short, long):
        decoded[0] = 0
        TokenText.of(decode, part)
        cost[len(part)] = decoded[0]
    whole_prefixes = {n: n * (n + 1) // 2 for n in cost}
    assert cost[300] < whole_prefixes[300] / 2 and cost[900] < whole_prefixes[900] / 5


@given(data=st.data())
@settings(max_examples=200)
def test_byte_pairs_by_their_bytes(data: st.DataObject) -> None:
    """Oracle without any decoding: which characters are complete after each token, from the bytes that it stands for."""
    tok = tokenizer("gpt2")
    plain_pieces = pieces_of_text.filter(lambda piece: "<" not in piece and "\ufffd" not in piece)
    ids = [i for piece in data.draw(st.lists(plain_pieces, max_size=8)) for i in tok(piece)["input_ids"]]
    letters = [chr(byte) for byte in (*range(33, 127), *range(161, 173), *range(174, 256))]  # GPT-2: these as they are,
    others = [byte for byte in range(256) if chr(byte) not in letters]  # the other bytes from U+0100 on, in order
    letter = {char: ord(char) for char in letters} | {chr(256 + i): byte for i, byte in enumerate(others)}
    token_bytes = [bytes(letter[char] for char in piece) for piece in tok.convert_ids_to_tokens(ids)]
    string = b"".join(token_bytes).decode()
    ends, at = [], 0
    for char in string:
        at += len(char.encode())
        ends.append(at)
    tokens, seen, before = TokenText.of(decoder(tok), ids), 0, 0
    assert tokens.text == string
    for k, part in enumerate(token_bytes):
        seen += len(part)
        complete = sum(end <= seen for end in ends)
        assert tokens.characters(k) == (before, max(complete, before + 1))
        before = complete


ANSWERS = [  # completion, candidates, the exact answer as it stands there
    ("It is“Paris”, I think.", ["Paris"], "Paris"),
    ("Rome. No, Rome; not Romeo.", ["Rome"], "Rome"),
    ("It lies in Nigeria, not Niger.", ["Niger", "Nigeria"], "Nigeria"),
    ("the city (Lyon).", ["Lyon"], "Lyon"),
    ("It is 12,345.6, roughly", ["12,345.6"], "12,345.6"),
    ("Lyon", ["Lyon"], "Lyon"),
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("completion", "candidates", "answer"), ANSWERS)
def test_an_answer_is_held_by_its_tokens_and_by_no_fewer(
    kind: str, completion: str, candidates: list[str], answer: str
) -> None:
    """The text up to `first` ends before the answer, up to `last` it holds the answer; one token fewer does not."""
    tok = tokenizer(kind)
    decode, prompt = decoder(tok), tok("Q: where? A:", add_special_tokens=False)["input_ids"]
    ids = [*prompt, *tok(completion, add_special_tokens=False)["input_ids"], tok.eos_token_id]
    tokens = TokenText.of(decode, ids, len(prompt))
    completion_text = tokens.text[tokens.ends[0] :]
    candidates = [
        decode(tok(c, add_special_tokens=False)["input_ids"]).strip() for c in candidates
    ]  # WordPiece: "12 , 345"
    begin, end = (tokens.ends[0] + at for at in CandidateFinder(candidates).find(completion_text)[0])
    first, last = tokens.tokens(begin, end)
    assert len(prompt) <= first <= last < len(ids) - 1
    want = comparable(answer).text.replace(" ", "")
    assert comparable(tokens.text[begin:end]).text.replace(" ", "") == want
    assert tokens.text.startswith(decode(ids[: last + 1])) and len(decode(ids[: last + 1])) >= end
    assert len(decode(ids[:last])) < end
    assert len(decode(ids[:first])) <= begin < len(decode(ids[: first + 1]))


def prefix_of(first: str, second: str) -> int:
    return next((i for i in range(min(len(first), len(second))) if first[i] != second[i]), min(len(first), len(second)))


@pytest.mark.parametrize("n", [1, 31, 32, 33, 64, 65, 100])
@pytest.mark.parametrize("start", [0, 1, 40])
def test_a_text_that_a_later_token_changes(n: int, start: int) -> None:
    """Some tokenizers clean up what stands before a token: oracle, the definition itself."""

    def changing(ids, at: int, how) -> str:
        text = "".join(chr(97 + i % 26) for i in ids)
        return how(text) if at in ids else text

    ways = [lambda text: f"X{text[1:]}", lambda text: text[:-2], lambda text: text[::-1], lambda text: text.upper()]
    for at in (0, 20, 50, 70, 99):
        for how in ways:

            def decode(ids, at=at, how=how) -> str:
                return changing(ids, at, how)

            ids = [*range(n)]
            tokens = TokenText.of(decode, ids, min(start, n))
            expected = [prefix_of(decode(ids[:stop]), decode(ids)) for stop in range(min(start, n), n)]
            assert tokens.ends == [*expected, len(decode(ids))], (at, n)
