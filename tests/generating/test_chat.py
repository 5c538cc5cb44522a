"""Prompts as a chat template writes them: its own ids, its variables, its clock, its refusals; one BOS."""

from copy import deepcopy
from dataclasses import replace
from datetime import datetime

import pytest
from tokenizers_offline import tokenizer

from interp.data.rows import QARow
from interp.errors import DataError, ModelError
from interp.generating.chat import check_chat_options, read_chat_options, render, template_variables, uses_clock
from interp.generating.prompts import PromptFormat, first_bos, with_bos

PLAIN = "{% for m in messages %}<turn>{{ m.role }}: {{ m.content }}</s>{% endfor %}{% if add_generation_prompt %}<turn>{% endif %}"
CLOCK = (
    "{{ bos_token }}{% if date is not defined %}{% set date = strftime_now('%d %b %Y') %}{% endif %}Today: {{ date }}"
    + PLAIN
)
THINKS = PLAIN + "{% if enable_thinking is defined and not enable_thinking %}<think></think>{% endif %}"
NO_SYSTEM = "{% if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}" + PLAIN
ROW = QARow("a", "Where is Lyon?", ("France",))


def chat(template: str, kind: str = "gpt2"):
    tok = deepcopy(tokenizer(kind))
    tok.chat_template = template
    return tok


@pytest.mark.parametrize("kind", ["gpt2", "llama"])
@pytest.mark.parametrize("template", [PLAIN, CLOCK, THINKS])
def test_ids_are_the_templates_own(kind, template):
    tok = chat(template, kind)
    rendered = render([{"role": "user", "content": "Where is Lyon?"}], tok)
    theirs = tok.apply_chat_template(
        [{"role": "user", "content": "Where is Lyon?"}],
        add_generation_prompt=True,
        tokenize=True,
        return_dict=False,
        **({"date": "01 Jan 2025"} if template == CLOCK else {}),
    )
    assert rendered.ids == theirs and rendered.text.endswith("<turn>")


def test_a_template_whose_ids_are_not_its_texts_is_refused(monkeypatch):
    tok = chat(PLAIN)
    real = tok.apply_chat_template
    monkeypatch.setattr(
        tok, "apply_chat_template", lambda *a, tokenize, **k: [7, 8] if tokenize else real(*a, tokenize=False, **k)
    )
    with pytest.raises(ModelError, match="own ids are not those of the text"):
        render([{"role": "user", "content": "x"}], tok)


def test_the_clock_stands_still():
    tok = chat(CLOCK)
    assert uses_clock(tok) and not uses_clock(chat(PLAIN))
    assert "Today: 01 Jan 2025" in PromptFormat(chat=True).prompt(ROW, tok).text
    assert "Today: 03 Feb 2026" in PromptFormat(chat=True, date="2026-02-03").prompt(ROW, tok).text
    assert "Today: May" in PromptFormat(chat=True, options={"date": "May"}).prompt(ROW, tok).text


@pytest.mark.parametrize(
    "form",
    [
        "%d %b %Y",
        "%Y-%m-%d",
        "%B %-d, %Y",
        "%A",
        "%y%j",
        "%H:%M",
        "%d %b %Y and %d",
        "on %a, the %e",
        "%F",
        "%D %T",
        "%I:%M %p",
        "%R on %-m/%-d",
        "no date",
        "",
    ],
)
def test_the_day_is_written_as_python_writes_it(form):
    tok = chat("\nIt is {{ strftime_now('" + form + "') }}.{{ messages[0].content }}")
    day = datetime(2026, 2, 3, 12)
    text = PromptFormat(chat=True, date="2026-02-03").prompt(ROW, tok).text
    assert text == f"\nIt is {day.strftime(form)}.{ROW.question}"


def test_options_reach_the_template_and_are_known_to_it():
    tok = chat(THINKS)
    assert PromptFormat(chat=True, options={"enable_thinking": False}).prompt(ROW, tok).text.endswith("</think>")
    assert "think" not in PromptFormat(chat=True).prompt(ROW, tok).text
    assert "enable_thinking" in (template_variables(tok) or ())
    with pytest.raises(DataError, match="reads no variable 'enable_thinkin'; did you mean 'enable_thinking'"):
        PromptFormat(chat=True, options={"enable_thinkin": False}).prompt(ROW, tok)
    with pytest.raises(DataError, match="reads no variable 'x'; it reads"):
        check_chat_options({"x": 1}, chat(PLAIN))
    check_chat_options({"x": 1}, chat("{% nonsense %}"))  # what it reads is not known
    with pytest.raises(DataError, match=r"chat_options\['x'\]: expected a text, a number"):
        read_chat_options({"x": [1]})


def test_system_and_turns_of_a_row():
    tok = chat(PLAIN)
    row = replace(ROW, system="Be short.", messages=(("user", "Rome?"), ("assistant", "Italy."), ("user", "Lyon?")))
    text = PromptFormat(chat=True).prompt(row, tok).text
    assert (
        text == "<turn>system: Be short.</s><turn>user: Rome?</s><turn>assistant: Italy.</s><turn>user: Lyon?</s><turn>"
    )
    asked = PromptFormat("Q: {question}", chat=True).prompt(row, tok).text
    assert asked.endswith("<turn>user: Q: Lyon?</s><turn>")
    with pytest.raises(DataError, match="brings `system` and a system turn"):
        PromptFormat(chat=True).prompt(replace(row, messages=(("system", "x"), ("user", "Lyon?"))), tok)
    with pytest.raises(DataError, match="a: the row brings a system turn, but prompts are no chat here"):
        PromptFormat(chat=False).prompt(row, tok)
    with pytest.raises(
        ModelError, match=r"refuses the turns \(system, user, assistant, user\): System role not supported"
    ):
        PromptFormat(chat=True).prompt(row, chat(NO_SYSTEM))


PARTS = "{% for m in messages %}{{ m.role }}: {% for c in m['content'] %}{{ c['text'] }}{% endfor %}|{% endfor %}"


def test_a_template_that_takes_parts_is_given_parts():
    rendered = PromptFormat(chat=True).prompt(ROW, chat(PARTS))
    assert rendered.text == f"user: {ROW.question}|" and len(rendered.ids) > 5


@pytest.mark.parametrize("template", ["{{ messages | length }}", "{% for m in messages %}{{ m.role }}{% endfor %}"])
def test_a_prompt_without_its_question_is_refused(template):
    with pytest.raises(ModelError, match="leaves out what the user's turn says"):
        PromptFormat(chat=True).prompt(ROW, chat(template))


def test_a_system_turn_that_the_template_drops_is_noticed():
    last = "{{ messages[-1].content }}"
    assert PromptFormat(chat=True).prompt(ROW, chat(last)).text == ROW.question
    with pytest.raises(ModelError, match="leaves out what the system's turn says"):
        PromptFormat(chat=True).prompt(replace(ROW, system="Be short."), chat(last))


def test_an_option_that_nothing_reads_is_refused():
    with pytest.raises(DataError, match="prompts are no chat here, so that nothing reads 'enable_thinking'"):
        PromptFormat(chat=False, options={"enable_thinking": False}).prompt(ROW, chat(THINKS))
    assert "m" not in (template_variables(chat(THINKS)) or ())


def test_there_is_one_bos():
    tok = chat(PLAIN)  # writes none
    ids = PromptFormat(chat=True).prompt(ROW, tok).ids
    assert ids[0] != tok.bos_token_id and first_bos(PromptFormat(chat=True), ROW, tok) is None
    tok = chat(PLAIN, "llama")
    assert with_bos([5, 6], tok) == (
        [tok.bos_token_id, 5, 6] if tok("a")["input_ids"][0] == tok.bos_token_id else [5, 6]
    )
    assert with_bos([tok.bos_token_id, 5], tok) == [tok.bos_token_id, 5]
    written = first_bos(PromptFormat(chat=True), ROW, chat(CLOCK))
    assert written == {"token": "<s>", "id": tok.bos_token_id, "by": "the prompt"}


class MistralCommonBackend:
    """As transformers has it: control tokens are ids, and no text becomes one."""

    bos_token, bos_token_id, eos_token_id = "<s>", 1, 2

    def __call__(self, text: str, **_: object) -> dict[str, list[int]]:
        return {"input_ids": [1, *(ord(char) + 10 for char in text)]}

    def apply_chat_template(self, turns: list[dict[str, str]], *, tokenize: bool, return_dict: bool) -> list[int]:
        assert tokenize and not return_dict
        return [1, 3, *(ord(char) + 10 for char in turns[-1]["content"]), 4]

    def decode(self, ids: list[int], skip_special_tokens: bool) -> str:
        return "".join({1: "<s>", 3: "[INST]", 4: "[/INST]"}.get(token) or chr(token - 10) for token in ids)


def test_mistral_commons_own_ids_are_taken():
    """Its prompt as text, tokenised again, would be the letters of `[INST]`."""
    prompt = PromptFormat().prompt(ROW, MistralCommonBackend())
    assert prompt.ids[:2] == [1, 3] and prompt.ids[-1] == 4 and len(prompt.ids) == len(ROW.question) + 3
    assert prompt.text == f"<s>[INST]{ROW.question}[/INST]"


class BeginsWithBos:
    """A tokenizer that TransformerLens has changed so that every text begins with a BOS, which it made of the EOS."""

    bos_token_id, eos_token_id = 2, 2

    def __call__(self, text: str, **_: object) -> dict[str, list[int]]:
        return {"input_ids": [2, 7]}


def test_an_eos_made_a_bos_is_not_put_before_a_chat():
    assert with_bos([5, 6], BeginsWithBos()) == [5, 6]
    other = BeginsWithBos()
    other.eos_token_id = 3
    assert with_bos([5, 6], other) == [2, 5, 6]
