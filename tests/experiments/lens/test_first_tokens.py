"""First tokens of given and right answers, with several kinds of tokenizer, and every reason why there is none."""

from dataclasses import replace

import numpy as np
import pytest
from tokenizers_offline import KINDS, tokenizer
from valid_calls import planted_answers

import interp
from interp.experiments.lens.first_tokens import JOINED, SAME, FirstTokens, right_text, token_in_place
from interp.generating.prompts import decoder
from interp.text.spans import TokenText

PROMPT = "In which country is Lyon? The answer:"


def encode(kind: str, text: str) -> list[int]:
    return tokenizer(kind)(text, add_special_tokens=False)["input_ids"]


def placed(kind: str, before: str, answer: str) -> tuple[list[int], int, str]:
    """Ids of a text in which an answer stands, the token with its first character, and how it is decoded."""
    ids, decode = encode(kind, f"{before}{answer}."), decoder(tokenizer(kind))
    text = TokenText.of(decode, ids)
    at = text.text.lower().rindex(answer.lower())
    return ids, text.tokens(at, at + 1)[0], text.text[at : at + len(answer)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("before", [f"{PROMPT} ", f"{PROMPT} It is in ", f"{PROMPT}\n"])
@pytest.mark.parametrize("right", ["Niger", "Lyon", "Rome"])
def test_the_token_is_that_of_the_text_with_the_other_answer(kind, before, right):
    ids, first, given = placed(kind, before, "France")
    other = encode(kind, f"{before}{right}.")
    found, reason = token_in_place(tokenizer(kind), ids, first, given, right)
    if kind == "unigram" and "\n" in before:  # it has no newline, and makes another text of the prompt
        assert found == -1 and "does not give" in reason
        return
    if other[:first] == ids[:first]:
        assert (found, reason) == (other[first], "")
    else:  # "▁", "F" … against "▁Niger"
        assert (found, reason) == (-1, JOINED) and kind in ("unigram", "llama")
    assert token_in_place(tokenizer(kind), ids, first, given, "France") == (ids[first], "")


def test_what_the_first_token_holds_before_the_answer_is_kept():
    ids = encode("gpt2", "The answer: Lyon")
    at = next(k for k in range(len(ids)) if decoder(tokenizer("gpt2"))(ids[: k + 1]).startswith("The answer: L"))
    assert decoder(tokenizer("gpt2"))([ids[at]]).startswith(" ")
    found, _ = token_in_place(tokenizer("gpt2"), ids, at, "Lyon", "Rome")
    assert decoder(tokenizer("gpt2"))([found]).startswith(" ")


def test_an_answer_that_is_no_tokenisation_has_none():
    """Written letter by letter: the tokenizer gives longer tokens."""
    tok = tokenizer("gpt2")
    ids = [token for letter in "Is it France" for token in encode("gpt2", letter)]
    whole = encode("gpt2", "France")
    assert whole[0] != ids[6]
    assert "does not give" in token_in_place(tok, ids, 6, "France", "Niger")[1]
    assert "does not begin" in token_in_place(tok, ids, 2, "France", "Niger")[1]


def answers(**changed) -> interp.Answers:
    own = planted_answers(5)
    ids = encode("gpt2", "The answer: France.")
    at = next(k for k in range(len(ids)) if "F" in decoder(tokenizer("gpt2"))(ids[: k + 1]))
    return replace(
        own,
        prompt_ids=[ids[:2]] * 5,
        completion_ids=[ids[2:]] * 5,
        exact_answer=["France"] * 4 + [None],
        exact_answer_tokens=[(at, at)] * 4 + [None],
        correct=[True, False, False, False, False],
        **changed,
    )


def test_every_sample_has_a_token_or_a_reason():
    own = answers()
    rows = [
        interp.QARow("s0", own.question[0], ("anything",)),
        interp.QARow("s1", own.question[1], ("Rome", "Lyon")),
        interp.QARow("s2", "Another question", ("Rome",)),
        interp.QARow("s4", own.question[4], ("Rome",)),
    ]
    found = FirstTokens.of(own, tokenizer("gpt2"), rows)
    given = own.completion_ids[0][own.exact_answer_tokens[0][0] - 2]
    assert found.given.tolist() == [given] * 4 + [-1]
    assert found.right[0] == given and found.right_answer[:2] == ["France", "Rome"]
    assert found.right[1] >= 0 and found.right[1] != given and found.right[2:].tolist() == [-1] * 3
    assert found.right_reason[2:] == [
        "the row of this id asks another question", "no row has the sample's id", "no exact answer"
    ]  # fmt: skip
    same = FirstTokens.of(own, tokenizer("gpt2"), [interp.QARow("s1", own.question[1], ("France",))], why_none="none")
    assert same.right_reason[1] == SAME and same.right_reason[3] == "none" and same.right_answer[1] == "France"
    counts = found.right_counts(np.array([1, 0, 0, 0, 0]), "")
    assert (counts["n_wrong"], counts["n_wrong_with_right"], counts["rows"]) == (4, 1, "read")
    assert "no row has the sample's id (1)" in counts["right_undefined"]
    assert found.at([1, 0]).right_answer == ["Rome", "France"]
    assert found.at([1]).variables()["right_token"][1].tolist() == [found.right[1]]


def test_of_drawn_answers_the_row_is_found_by_its_own_id():
    own = answers(row=["r"] * 5, draw=[0, 1, 2, 3, 4], question=["Where?"] * 5)
    found = FirstTokens.of(own, tokenizer("gpt2"), [interp.QARow("r", "Where?", ("Rome",))])
    assert found.right_answer == ["France", "Rome", "Rome", "Rome", ""]


def test_the_right_answer_takes_the_form_of_the_given_one():
    row = interp.QARow("a", "Where?", ("Rome",), options=("Oslo", "Rome"))
    assert right_text(row, "A") == "B" and right_text(row, "Oslo") == "Rome"
    assert right_text(interp.QARow("a", "Where?", ("Rome",)), "A") == "Rome"
    assert right_text(interp.QARow("a", "Where?", (), correct=True), "A") == ""
