"""The token that closes an assistant's turn ends an answer."""

from copy import deepcopy

import pytest
from tokenizers_offline import tokenizer

from interp.generating.generation import generate
from interp.models.architecture import eos_token_ids
from interp.models.loading import model_tokenizer
from interp.models.turn_end import turn_end_ids


@pytest.mark.parametrize(
    ("template", "end"),
    [
        ("{% for m in messages %}<s>{{ m.role }}\n{{ m.content }}<turn>\n{% endfor %}", "<turn>"),
        ("{% for m in messages %}{{ m.content }}</s>{% endfor %}", "</s>"),
        ("{% for m in messages %}{{ m.content | trim }}\n<turn><s>{% endfor %}", "<turn>"),
        ("{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}", None),
        ("{{ raise_exception('no') }}", None),
        ("{% for m in messages %}<turn>{{ m.role }}\n{{ m.content }}{% endfor %}", "<turn>"),  # GLM: the next turn's
        ("{% for m in messages %}{{ m.content }}{% if not loop.last %}<turn>{% endif %}{% endfor %}", "<turn>"),
        (
            "{% for m in messages %}{% for part in m.content %}{{ part.text }}{% endfor %}<turn>{% endfor %}",
            "<turn>",
        ),
        ("{% for m in messages %}{% if m.role == 'user' %}{{ m.content }}<turn>{% endif %}{% endfor %}", None),
    ],
)
def test_it_is_the_first_special_token_after_the_turn(template, end):
    tok = deepcopy(tokenizer("gpt2"))
    tok.chat_template = None
    assert turn_end_ids(tok) == frozenset()
    tok.add_special_tokens({"additional_special_tokens": ["<turn>"]})
    tok.chat_template = template
    assert turn_end_ids(tok) == (frozenset() if end is None else {tok.convert_tokens_to_ids(end)})


def test_generation_ends_there(llama, monkeypatch):
    """Whatever the model says first is made the token that closes a turn: nothing follows it any more."""
    tok, prompt = model_tokenizer(llama), [5, 6, 7]
    (before,) = generate(llama, [prompt], max_new_tokens=6)
    assert len(before.ids) > 2 and before.finish == "length"
    second = tok.convert_ids_to_tokens(before.ids[1])
    monkeypatch.setattr("interp.models.architecture.turn_end_ids", lambda tokenizer: frozenset([before.ids[1]]))
    assert before.ids[1] in eos_token_ids(llama), second
    (after,) = generate(llama, [prompt], max_new_tokens=6)
    first = before.ids.index(before.ids[1])
    assert after.ids == before.ids[: first + 1] and after.finish == "stop"
