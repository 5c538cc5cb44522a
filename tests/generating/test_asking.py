"""Asking a model: a hooked one greedily, or any function."""

import pytest

from interp.errors import DataError
from interp.generating.asking import Exchange, ask, check_fields
from interp.models.loading import model_info, model_tokenizer

PROMPTS = ["Question: where is Paris? Answer:", "Question: where?"]


def test_a_function_is_called_once_per_prompt() -> None:
    assert ask(str.upper, ["a", "b"], max_new_tokens=1) == [Exchange("a", "A"), Exchange("b", "B")]
    with pytest.raises(DataError, match="must return text, got int: 1"):
        ask(len, ["a"], max_new_tokens=1)
    with pytest.raises(DataError, match="expected a hooked model"):
        ask("gemma3-270m", ["a"], max_new_tokens=1)


def test_a_hooked_model_replies_as_hugging_face_does(llama, llama_folder) -> None:
    """The raw reply is the greedy continuation, special tokens removed, up to the end of its line."""
    import torch
    from transformers import AutoModelForCausalLM

    reference, tokenizer = AutoModelForCausalLM.from_pretrained(llama_folder).eval(), model_tokenizer(llama)
    for exchange, prompt in zip(ask(llama, PROMPTS, max_new_tokens=8), PROMPTS, strict=True):
        ids = torch.tensor([tokenizer(prompt)["input_ids"]])
        new = reference.generate(ids, max_new_tokens=8, do_sample=False)[0, ids.shape[1] :].tolist()
        cut = next((k for k in range(1, len(new) + 1) if "\n" in tokenizer.decode(new[:k])), len(new))
        assert exchange == Exchange(prompt, tokenizer.decode(new[:cut], skip_special_tokens=True))


def test_a_chat_model_is_asked_in_a_turn(llama, monkeypatch) -> None:
    tokenizer = model_tokenizer(llama)
    template = (
        "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}{% if add_generation_prompt %}[bot]{% endif %}"
    )
    monkeypatch.setattr(tokenizer, "chat_template", template)
    assert [one.prompt for one in ask(llama, PROMPTS, max_new_tokens=2)] == [f"[user]{p}[bot]" for p in PROMPTS]


def test_a_prompt_past_the_context_is_not_asked(llama) -> None:
    long = "where? " * model_info(llama).n_ctx
    short, too_long = ask(llama, [PROMPTS[0], long], max_new_tokens=4)
    assert short.reply is not None and too_long == Exchange(long, None)
    with pytest.raises(DataError, match="none of 2 prompts .* fits the context of the model asked, 256 with 4"):
        ask(llama, [long, long], max_new_tokens=4)
    assert ask(llama, [], max_new_tokens=4) == []


def test_fields_of_a_prompt() -> None:
    check_fields("{a} {b} {{literal}}", needed=("a",), allowed=("b",))
    for template, message in (
        ("{b}", r"must hold \{a\}; it lacks \{a\}"),
        ("{a} {c}", r"must not name \{c\}"),
        ("{a.__class__} {a}", r"must not name \{a.__class__\}"),
        ("{a", "no format string"),
    ):
        with pytest.raises(DataError, match=message):
            check_fields(template, needed=("a",), allowed=("b",))
