"""Text that a row brings is tokenised only where the tokenizer gives it back: interp.labelling.generate_answers."""

import pytest
from transformers import AutoTokenizer

from interp import QARow, demo
from interp.errors import DataError
from interp.labelling.generate_answers import own_completion


class Folding:
    """A tokenizer that does not tell capitals from small letters, and writes a space before every text."""

    def __call__(self, text: str, **options: object) -> dict[str, list[int]]:
        return {"input_ids": [ord(letter) for letter in text.lower()]}

    def decode(self, ids: list[int], **options: object) -> str:
        return " " + "".join(map(chr, ids))


def row(completion: str | None, **fields: object) -> QARow:
    return QARow("a", "Where?", ("there",), completion=completion, source="log.jsonl:7", **fields)


def test_text_that_comes_back_otherwise_is_refused_with_both():
    with pytest.raises(DataError, match=r"log.jsonl:7: .*'In Rome.' back as ' in rome.'.*bring its `completion_ids`"):
        own_completion(row("In Rome."), Folding())


def test_blanks_at_the_ends_do_not_count():
    assert own_completion(row("there"), Folding()) == [ord(letter) for letter in "there"]


def test_ids_are_taken_as_they_are():
    assert own_completion(row("In Rome.", prompt_ids=(1,), completion_ids=(5, 6)), Folding()) == [5, 6]
    assert own_completion(row(None), Folding()) is None


@pytest.mark.parametrize("text", [" In Rome.", "In Rome.</s>", "\n\nRome", "", "Zürich 🙂", "a  b\t c "])
def test_a_real_tokenizer_gives_text_back(text):
    tokenizer = AutoTokenizer.from_pretrained(demo.model_path())
    ids = own_completion(row(text), tokenizer)
    assert tokenizer.decode(ids) == text and (ids[-1:] == [tokenizer.eos_token_id]) == text.endswith("</s>")
