"""What a model wrote and what it answered: the marks of many models, and what follows from them for labels and spans."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers_offline import KINDS, tokenizer

from interp.data.rows import QARow
from interp.generating.prompts import decoder
from interp.labelling.correctness import correctness_rule
from interp.labelling.exact_answers import METHODS, exact_answer_method
from interp.labelling.labels import label_answers
from interp.text.thoughts import UNFINISHED, begins_in_thought, final_answer, mentions_thoughts, parts_of

THOUGHT = "Is it Canberra? Sydney is bigger."
ANSWER = "The capital is Sydney."
MARKED = {
    "Qwen, DeepSeek": f"<think>\n{THOUGHT}\n</think>\n\n{ANSWER}",
    "in capitals": f"<THINK>{THOUGHT}</THINK>{ANSWER}",
    "thinking": f"<thinking>{THOUGHT}</thinking>\n{ANSWER}",
    "reasoning": f"<reasoning>{THOUGHT}</reasoning>\n{ANSWER}",
    "Seed": f"<seed:think>{THOUGHT}</seed:think>{ANSWER}",
    "Magistral": f"[THINK]{THOUGHT}[/THINK]{ANSWER}",
    "Kimi": f"◁think▷{THOUGHT}◁/think▷{ANSWER}",
    "Apertus": f"<|inner_prefix|>{THOUGHT}<|inner_suffix|>{ANSWER}",
    "Gemma 4": f"<|channel>thought\n{THOUGHT}<channel|>{ANSWER}",
    "Sky": f"<|begin_of_thought|>{THOUGHT}<|end_of_thought|>\n<|begin_of_solution|>{ANSWER}<|end_of_solution|>",
    "Command A": f"<|START_THINKING|>{THOUGHT}<|END_THINKING|><|START_RESPONSE|>{ANSWER}<|END_RESPONSE|>",
    "R1-Zero": f"<think>{THOUGHT}</think> <answer>{ANSWER}</answer>",
    "two thoughts": f"<think>{THOUGHT}</think>\n<think>Again.</think>{ANSWER}",
    "nested": f"<think>a <think>{THOUGHT}</think> b</think>{ANSWER}",
    "the opening is in the prompt": f"{THOUGHT}\n</think>\n\n{ANSWER}",
    "Granite 3.2": f"Here is my thought process:\n{THOUGHT}\n\nHere is my response:\n{ANSWER}",
    "s1": f"<|im_start|>think\n{THOUGHT}<|im_start|>answer\n{ANSWER}",
    "LongCat": f"<longcat_think>{THOUGHT}</longcat_think>{ANSWER}",
    "fast": f"<think_fast>{THOUGHT}</think_fast>{ANSWER}",
    "a kind of thought": f"<think:opensource>{THOUGHT}</think:opensource>{ANSWER}",
    "hyphens": f"<chain-of-thought>{THOUGHT}</chain-of-thought>{ANSWER}",
    "rationale": f"<rationale>{THOUGHT}</rationale>{ANSWER}",
    "opened twice, closed once": f"<think>a <think>{THOUGHT}</think>{ANSWER}",
    "a mark too many": f"<think>{THOUGHT}</think>{ANSWER}\n</think>",
    "the answer is wrapped further on": f"<think>{THOUGHT}</think>\nSo:\n**<answer>{ANSWER}</answer>**",
    "brackets around the answer": f"<think>{THOUGHT}</think>\n[ANSWER]{ANSWER}[/ANSWER]",
    "two answers": f"<think>{THOUGHT}</think><answer>Perth</answer>\n<answer>{ANSWER}</answer>",
    "an empty answer": f"<think>{THOUGHT}</think><answer></answer>{ANSWER}",
    "harmony after a header": f"assistantanalysis{THOUGHT}assistantfinal{ANSWER}",
    "Command A reasoning": f"<|START_THINKING|>{THOUGHT}<|END_THINKING|><|START_TEXT|>{ANSWER}<|END_TEXT|>",
    "GLM": f"<think>{THOUGHT}</think>\n<|begin_of_box|>{ANSWER}<|end_of_box|>",
    "Granite 3.2 on one line": f"Here is my thought process: {THOUGHT} Here is my response: {ANSWER}",
    "HuatuoGPT": f"## Thinking\n\n{THOUGHT}\n\n## Final Response\n\n{ANSWER}",
    "two thoughts on one line": f"<think>a</think> First: <think>{THOUGHT}</think> {ANSWER}",
    "the closing mark in quotes": f"<think>Is '</think>' a tag? {THOUGHT}</think>{ANSWER}",
    "its opening is in the prompt, and both marks are written of": f"<think> or `</think>`? {THOUGHT}\n</think>\n{ANSWER}",
    "harmony": f"<|channel|>analysis<|message|>{THOUGHT}<|end|><|start|>assistant<|channel|>final<|message|>{ANSWER}<|return|>",
    "harmony with a tool": f"<|channel|>commentary to=functions.look <|constrain|>json<|message|>{{}}<|call|>"
    f"<|channel|>analysis<|message|>{THOUGHT}<|end|><|start|>assistant<|channel|>final<|message|>{ANSWER}",
    "harmony without its marks": f"analysis{THOUGHT}assistantfinal{ANSWER}",
}  # fmt: skip
AFTERWARDS = (
    f"{ANSWER} <think>{THOUGHT}</think>",
    f"{ANSWER}\n\n<reasoning>{THOUGHT}</reasoning>",
    f"<answer>{ANSWER}</answer>\n<reasoning>{THOUGHT}</reasoning><|im_end|>",
    f"{ANSWER}\n\n<analysis>\n{THOUGHT}\n</analysis>\n",
    f"<think>a</think>{ANSWER}\n<rationale>{THOUGHT}</rationale></s>",
)
UNENDED = {
    "cut off": f"<think>\n{THOUGHT}",
    "cut off in the second": f"<think>{THOUGHT}</think>\n<think>Again",
    "harmony": f"<|channel|>analysis<|message|>{THOUGHT}",
    "harmony, second message": f"<|channel|>analysis<|message|>{THOUGHT}<|end|><|start|>assistant<|channel|>analysis<|message|>",
    "Magistral": f"[THINK]{THOUGHT}",
    "harmony without its marks": "analysisIs it Canberra?",
    "harmony without its marks, in small letters": "analysisthe capital",
    "harmony, cut off in the head": "<|channel|>analysis",
    "HuatuoGPT": f"## Thinking\n\n{THOUGHT}",
    "HyperCLOVA X": f"<|im_start|>assistant/think\n{THOUGHT}",
}  # fmt: skip
PLAIN = (
    ANSWER,
    "",
    "The <think> tag is older than the <thinking> tag.",
    "I used <think>, </think> tags.",
    "A thought stands between '<think>' and '</think>'.",
    "analysis of the question: Sydney",
    "Sydney\n\n## Thinking\nIt is the largest.",
    "In final, the answer is Sydney.",
    "I think: Sydney. </b>",
    "<b>Sydney</b>",
    "Sydney\n\n[Analysis]\nIt is the largest.",
    "[Reflection] I say Sydney",
    "Sydney. [thinking]",
)


@pytest.mark.parametrize("name", MARKED)
def test_the_final_answer_stands_after_the_thought(name):
    assert final_answer(MARKED[name]).strip() == ANSWER
    thought = parts_of(MARKED[name]).thought
    assert thought is not None and THOUGHT in MARKED[name][slice(*thought)] and thought[0] == 0


@pytest.mark.parametrize("text", AFTERWARDS)
def test_a_rationale_after_the_answer_is_a_thought_too(text):
    assert final_answer(text).strip() == ANSWER
    assert parts_of(text).thought is not None


def test_an_answer_that_has_only_begun_is_empty_and_no_mark():
    assert final_answer(f"<think>{THOUGHT}</think>\n<answer>\n").strip() == ""


def test_a_new_turn_ends_no_thought():
    text = f"{ANSWER}<|im_end|>\n<|im_start|>assistant\nMore."
    assert parts_of(text).thought is None and final_answer(text) == text


def test_a_mark_that_is_only_mentioned_ends_nothing():
    text = f"<think>{THOUGHT}</think>The mark that closes it is </think>, I believe."
    assert final_answer(text) == "The mark that closes it is </think>, I believe."


@pytest.mark.parametrize("name", UNENDED)
def test_a_thought_that_never_ends_has_no_final_answer(name):
    parts = parts_of(UNENDED[name])
    assert parts.final is None and parts.thought == (0, len(UNENDED[name]))


@pytest.mark.parametrize("text", PLAIN)
def test_without_a_thought_everything_is_the_answer(text):
    parts = parts_of(text)
    assert parts.thought is None and parts.final == (0, len(text))


@pytest.mark.parametrize(
    "opening", ["<think>\n", "[THINK]", "<|channel|>analysis<|message|>", "◁think▷", "<seed:think>"]
)
def test_a_prompt_that_opens_the_thought(opening):
    prompt = f"<|im_start|>user\nWhat does <think> do?<|im_end|>\n<|im_start|>assistant\n{opening}"
    assert begins_in_thought(prompt) and not begins_in_thought(f"{prompt}\n\n</think>\n\n")
    assert not begins_in_thought("<|im_start|>user\nWhat does <think> do?<|im_end|>\n<|im_start|>assistant\n")
    assert parts_of(THOUGHT, begun=True).final is None


@given(st.text(max_size=60), st.text(max_size=60))
def test_whatever_is_thought_the_answer_is_what_follows(thought, answer):
    if any(mark in answer for mark in "<[◁|"):
        return
    parts = parts_of(f"<think>{thought}</think>{answer}")
    assert parts.final is not None and f"<think>{thought}</think>{answer}"[slice(*parts.final)] == answer


def labels_of(kind: str, texts: list[str], rule: str = "contains", method: str = "candidates"):
    tok = tokenizer(kind)
    decode, special = decoder(tok), frozenset(tok.all_special_ids)
    rows = [QARow(f"{i}", "What is the capital of Australia?", ("Canberra",)) for i in range(len(texts))]
    completion = [list(tok(text, add_special_tokens=False)["input_ids"]) for text in texts]
    prompt = [list(tok("Capital? ")["input_ids"])] * len(texts)
    finder = exact_answer_method(
        method,
        candidates=["Canberra", "Sydney"] if method == "candidates" else None,
        pattern=r"(Sydney|Canberra)" if method == "pattern" else None,
        extract=lambda questions, texts: [],
    )
    found = label_answers(
        rows, prompt, completion, decode, special, correct=correctness_rule(rule, rows), method=finder
    )
    return found, prompt, completion, decode


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "wordpiece"])
@pytest.mark.parametrize("method", [m for m in METHODS if m != "extract"])
def test_labels_and_spans_are_of_the_final_answer(kind, method):
    """`</think>` is a special token of these tokenizers: its mark is read all the same."""
    texts = [f"<think>Canberra, 7.</think>\nSydney 12, not 3{end}" for end in ("", "</s>")]
    found, prompt, completion, decode = labels_of(kind, texts, method=method)
    for label, before, after in zip(found, prompt, completion, strict=True):
        assert label.correct is False and "Canberra" not in (label.exact_answer or "")
        assert label.exact_answer is not None and label.tokens is not None
        ids, first = [*before, *after], len(before)
        assert label.exact_answer in decode(ids[label.tokens[0] : label.tokens[1] + 1])
        assert label.thought_tokens is not None and label.final_tokens is not None
        assert label.thought_tokens[0] <= first + (kind == "llama")  # which puts a blank before its first word
        assert label.thought_tokens[1] < label.final_tokens[0] <= label.tokens[0]
        assert decode(ids[: label.thought_tokens[1] + 1]).rstrip().endswith("</think>")
        assert "Sydney" in label.text[slice(*label.final_chars)] and "7" not in label.text[slice(*label.final_chars)]


def test_an_unfinished_thought_is_a_status_without_a_label():
    found, *_ = labels_of("gpt2", ["<think>Canberra", "<think>a</think>Canberra", "Canberra"])
    assert [(one.status, one.correct, one.exact_answer) for one in found] == [
        (UNFINISHED, None, None),
        ("ok", True, "Canberra"),
        ("ok", True, "Canberra"),
    ]
    assert found[0].final_chars is None and found[0].thought_tokens is not None
    assert found[2].thought_tokens is None


def test_a_rows_own_exact_answer_is_looked_for_in_the_final_answer_first():
    tok = tokenizer("gpt2")
    row = QARow("a", "Where?", ("Sydney",), completion="x", exact_answer="Sydney", correct=True)
    text = "<think>Sydney?</think>It is Sydney."
    ids = list(tok(text, add_special_tokens=False)["input_ids"])
    method = exact_answer_method("first_line")
    rule = correctness_rule("contains", [row])
    (label,) = label_answers(
        [row], [[5]], [ids], decoder(tok), frozenset(tok.all_special_ids), correct=rule, method=method
    )
    shown = label.text
    assert (
        label.chars is not None and shown[slice(*label.chars)] == "Sydney" and label.chars[0] == shown.rindex("Sydney")
    )


def test_templates_that_know_thoughts():
    assert mentions_thoughts("{% if enable_thinking is defined %}{% endif %}")
    assert mentions_thoughts("{{ content.split('</think>')[-1] }}")
    assert mentions_thoughts("<|channel|>analysis<|message|>")
    assert not mentions_thoughts("{% for m in messages %}[{{ m.role }}] I think {{ m.content }}{% endfor %}")
