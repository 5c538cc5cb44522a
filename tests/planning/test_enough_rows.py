"""Enough rows for the folds: which fit and whose groups they are, at the limit to the token, and rows read no further."""

import pytest

from interp.data.rows import QARow
from interp.errors import DataError
from interp.planning.enough_rows import check_enough, check_groups
from interp.runs.settings import Settings


class Words:
    """A tokenizer that counts words, and how many texts it was given."""

    chat_template = bos_token = eos_token = eos_token_id = None

    def __init__(self) -> None:
        self.texts: list[str] = []

    def __call__(self, text: str, **options: object) -> dict[str, list[int]]:
        self.texts.append(text)
        return {"input_ids": [3] * len(text.split())}

    def decode(self, ids: list[int], **options: object) -> str:
        return next(text for text in self.texts if len(text.split()) == len(ids))


def row(number: int, words: int = 3, **fields: object) -> QARow:
    return QARow(id=str(number), question=f"q{number}" + " w" * (words - 1), answers=("a",), **fields)


def settings(**changes: object) -> Settings:
    return Settings(model="m", data="d", **{"folds": 3, "max_new_tokens": 5} | changes)


def test_groups_are_counted_not_rows():
    rows = [row(0), row(0), row(1), row(2, group="g"), row(3, group="g")]
    check_groups(rows, 3)
    with pytest.raises(DataError) as error:
        check_groups(rows, 4, " among these")
    assert str(error.value) == (
        "groups: 3 distinct groups for 4 folds among these; give more questions, fewer folds or finer groups"
    )
    same = [QARow(id=str(i), question=text, answers=("a",)) for i, text in enumerate(("Who?", "who?", " WHO? "))]
    with pytest.raises(DataError, match="1 distinct groups for 2 folds"):
        check_groups(same, 2)


def test_a_row_that_just_fits_counts_and_one_more_token_is_too_long():
    rows = [row(i, words=4) for i in range(3)]
    check_enough(rows, settings(), n_ctx=4 + 5, tokenizer=Words())
    with pytest.raises(DataError) as error:
        check_enough(rows, settings(), n_ctx=4 + 5 - 1, tokenizer=Words())
    assert str(error.value) == (
        "none of 3 rows fits into the model's context of 8 tokens: the shortest needs 9 with its answer "
        "(max_new_tokens is 5); shorten the prompts or max_new_tokens, or choose another model"
    )


def test_an_answer_that_the_row_brings_counts_as_long_as_it_is():
    brought = [row(i, words=4, completion_ids=(1,) * 2) for i in range(2)] + [row(2, words=4, completion="one two")]
    check_enough(brought, settings(), n_ctx=6, tokenizer=Words())
    ids = [row(i, prompt_ids=(1,) * 4, completion_ids=(1,) * 2) for i in range(3)]
    check_enough(ids, settings(), n_ctx=6, tokenizer=(words := Words()))
    assert not words.texts
    with pytest.raises(DataError, match="the shortest needs 6"):
        check_enough(ids, settings(), n_ctx=5, tokenizer=Words())


def test_only_groups_of_rows_that_fit_count():
    rows = [row(0, words=3), row(1, words=3), row(2, words=9), row(1, words=3)]
    with pytest.raises(DataError) as error:
        check_enough(rows, settings(), n_ctx=10, tokenizer=Words())
    assert str(error.value) == (
        "groups: 2 distinct groups for 3 folds among the 3 of 4 rows that fit into the context; give more questions, "
        "fewer folds or finer groups"
    )
    check_enough(rows, settings(), n_ctx=14, tokenizer=Words())


def test_rows_are_tokenised_only_until_there_are_enough():
    words = Words()
    check_enough(
        [row(0), row(0), row(1), row(2), *(row(i) for i in range(3, 100))], settings(), n_ctx=99, tokenizer=words
    )
    assert len(words.texts) == 4


def test_the_template_is_part_of_the_prompt():
    form = settings(prompt_template="one two {question}")
    check_enough([row(i) for i in range(3)], form, n_ctx=10, tokenizer=Words())
    with pytest.raises(DataError, match="the shortest needs 10"):
        check_enough([row(i) for i in range(3)], form, n_ctx=9, tokenizer=Words())
