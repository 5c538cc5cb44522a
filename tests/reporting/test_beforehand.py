"""What is said of prompts before a run: only where the model answers, and only what the user can change."""

from copy import deepcopy
from types import SimpleNamespace

import pytest
from tokenizers_offline import tokenizer
from transformers import GenerationConfig

from interp.data.rows import QARow
from interp.generating.prompt_checks import PromptChecks, changed_generation, check_prompts
from interp.reporting.beforehand import brought_sentences, prompt_sentences
from interp.runs.settings import Settings

ROWS = [QARow("a", "Where?", ("there",))]
BROUGHT = [QARow("a", "Where?", ("there",), completion="there")]
CHAT = "{% for m in messages %}{{ m.content }}{% endfor %}<think>\n"


@pytest.mark.parametrize(
    ("settings", "noted"),
    [
        (None, ""),
        (SimpleNamespace(), ""),
        (GenerationConfig(), ""),
        (GenerationConfig(repetition_penalty=1.0, eos_token_id=[2, 3], do_sample=True, temperature=0.6), ""),
        (GenerationConfig(repetition_penalty=1.05), "repetition_penalty=1.05"),
        (GenerationConfig(no_repeat_ngram_size=3, suppress_tokens=[7]), "no_repeat_ngram_size=3, suppress_tokens=[7]"),
    ],
)
def test_what_the_model_asks_for_and_is_not_done_is_said(settings, noted):
    notes = prompt_sentences(PromptChecks(left_out=changed_generation(settings)))
    assert (not noted and notes == []) or (len(notes) == 1 and noted in notes[0])


@pytest.mark.parametrize(
    ("rows", "template", "options", "expected"),
    [
        (ROWS, None, {}, None),
        (ROWS, CHAT, {}, "a place for a thought"),
        (ROWS, CHAT, {"max_new_tokens": 2000}, None),
        (BROUGHT, CHAT, {}, None),
        (ROWS, CHAT, {"chat": False}, "the prompts are plain text"),
        (ROWS, CHAT, {"prompt_template": "Q: {question}"}, "the prompts are plain text"),
        ([QARow("a", "Where?", ("there",), prompt="whole")], CHAT, {}, None),
        (ROWS, None, {"model": "org/Llama-3.2-1B-Instruct"}, "by its name a chat model"),
        (ROWS, None, {"model": "gemma-3-270m-it/"}, "by its name a chat model"),
        (ROWS, None, {"model": "org/chatter"}, None),
        ([QARow("a", "Is it?", ("yes",), context="It is.")], None, {}, "1 of 1 questions come with a context"),
        ([QARow("a", "Is it?", ("yes",), context="It is.")], None, {"prompt_template": "{context} {question}"}, None),
        ([QARow("a", "Is it?", ("yes",), context="It is.", prompt="It is. Is it?")], None, {}, None),
    ],
)
def test_notes(rows, template, options, expected):
    tok = deepcopy(tokenizer("gpt2"))
    tok.chat_template = template
    settings = Settings(**({"model": "m", "data": "d"} | options))
    form, room = settings.prompt_format, settings.max_new_tokens
    notes = prompt_sentences(check_prompts(form, rows, tok, model=settings.model, max_new_tokens=room))
    assert (expected is None and notes == []) or (len(notes) == 1 and expected in notes[0])


def test_what_the_model_asks_for_matters_only_where_it_answers():
    asked = {"model": "m", "max_new_tokens": 9, "generation": GenerationConfig(repetition_penalty=1.05)}
    form = Settings(model="m", data="d").prompt_format
    assert check_prompts(form, ROWS, tokenizer("gpt2"), **asked).left_out == {"repetition_penalty": 1.05}
    assert check_prompts(form, BROUGHT, tokenizer("gpt2"), **asked) == PromptChecks(tokenised_again=1)


def test_text_that_is_tokenised_again_is_said_and_ids_are_not():
    form = Settings(model="m", data="d").prompt_format
    kept = [QARow("b", "Where?", ("there",), prompt_ids=(1,), completion="there", completion_ids=(2,))]
    checks = check_prompts(form, [*BROUGHT, *ROWS, *kept], tokenizer("gpt2"), model="m", max_new_tokens=9)
    assert checks.tokenised_again == 1
    (said,) = brought_sentences(checks)
    assert said.startswith("1 completions came as text") and said not in prompt_sentences(checks)
    checks = check_prompts(form, kept, tokenizer("gpt2"), model="m", max_new_tokens=9)
    assert checks == PromptChecks() and brought_sentences(checks) == []


def test_the_way_to_turn_thinking_off_is_named_where_there_is_one():
    (without,) = prompt_sentences(PromptChecks(written=1, cramped_thought=9))
    (switched,) = prompt_sentences(PromptChecks(written=1, cramped_thought=9, off_switch="enable_thinking"))
    assert switched == f"{without}, or turn thinking off with --chat-option enable_thinking=false"
