"""Stop strings found in a tail against the whole text decoded at every step, with four kinds of tokenizer."""

import hypothesis.strategies as st
import pytest
from hypothesis import given
from tokenizers_offline import KINDS, SPECIAL, TEXT, tokenizer

from interp.errors import DataError
from interp.generating.prompts import decoder
from interp.text.stopping import StopText, read_stop

CHARACTERS = "".join(sorted(set("".join(TEXT))))


def first_stop(ids: list[int], decode, stop: list[str]) -> int | None:
    """How many tokens it takes until the text holds a stop string: the slow oracle."""
    return next((n for n in range(1, len(ids) + 1) if any(s in decode(ids[:n]) for s in stop)), None)


def found(ids: list[int], decode, stop: list[str]) -> int | None:
    text = StopText(decode, stop)
    return next((n for n in range(1, len(ids) + 1) if text.completed(ids[:n])), None)


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_the_same_token_as_with_the_whole_text(kind: str, data: st.DataObject) -> None:
    """Over encoded text, random ids (non-canonical, characters cut inside, special tokens) and mixtures of both."""
    made, decode = tokenizer(kind), decoder(tokenizer(kind))
    texts = st.text(CHARACTERS, max_size=60).map(lambda text: made(text, add_special_tokens=False)["input_ids"])
    wild = st.lists(st.integers(0, len(made) - 1), max_size=30)
    ids = [token for part in data.draw(st.lists(st.one_of(texts, wild), min_size=1, max_size=4)) for token in part]
    text = decode(ids)
    stop = [data.draw(st.sampled_from(["\n", "😀", "。", *SPECIAL, "no such text"]))]
    if text:  # a piece of the text itself, anywhere
        begin = data.draw(st.integers(0, len(text) - 1))
        stop.append(text[begin : begin + data.draw(st.integers(1, 12))])
    assert found(ids, decode, stop) == first_stop(ids, decode, stop)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_decoded_grows_with_the_tokens_not_with_their_square(kind: str) -> None:
    decode, decoded = decoder(tokenizer(kind)), 0

    def counted(ids: list[int]) -> str:
        nonlocal decoded
        decoded += len(ids)
        return decode(ids)

    text = tokenizer(kind)(" ".join(TEXT * 20), add_special_tokens=False)["input_ids"]
    spent = []
    for n in (500, 1000):
        assert found(text[:n], counted, ["no such text"]) is None
        spent.append(decoded)
        decoded = 0
    assert spent[1] < 2.2 * spent[0] and spent[1] < 200 * 1000


def test_without_stop_strings_nothing_is_decoded() -> None:
    assert not StopText(lambda _: pytest.fail("decoded"), []).completed([1, 2, 3])


@pytest.mark.parametrize("stop", ["", [""], ("\n", "")])
def test_what_would_end_every_answer_at_once_is_refused(stop) -> None:
    with pytest.raises(DataError, match="stop: expected texts that are not empty"):
        read_stop(stop)


def test_a_single_text_is_one_stop_string_not_its_letters() -> None:
    assert read_stop("END") == read_stop(["END"]) == ("END",)
