"""Whether a model will think, as its chat template says, and what judges and extractors make of a thought."""

import pytest
from tokenizers_offline import tokenizer

from interp.generating.asking import Exchange, ask
from interp.generating.thinking import (
    LITTLE,
    THOUGHT_TOKENS,
    may_think,
    off_switch,
    too_little_for_thought,
    without_thought,
)
from interp.labelling.extraction import extractor
from interp.labelling.judgement import Judgement
from interp.models.loading import model_tokenizer

PLAIN = "{% for m in messages %}{{ m.role }}: {{ m.content }}|{% endfor %}"
SWITCH = PLAIN + "{% if enable_thinking is defined and enable_thinking is false %}<think>\n\n</think>{% endif %}"
ALWAYS = PLAIN + "<think>\n"
STRIPS = "{% for m in messages %}{{ m.content.split('</think>')[-1] }}|{% endfor %}"
EFFORT = "{{ reasoning_effort }}" + PLAIN + "<|channel|>analysis"


@pytest.fixture
def chat(monkeypatch):
    tok = tokenizer("gpt2")

    def with_template(template: str):
        monkeypatch.setattr(tok, "chat_template", template)
        return tok

    return with_template


def test_what_turns_thinking_off(chat):
    assert without_thought(chat(PLAIN)) == {} == without_thought(chat(ALWAYS))
    assert without_thought(chat(SWITCH)) == {"enable_thinking": False}
    assert without_thought(chat(EFFORT)) == {"reasoning_effort": "low"}
    assert [off_switch(chat(template)) for template in (PLAIN, SWITCH, EFFORT)] == [None, "enable_thinking", None]
    assert without_thought(chat(PLAIN + "{{ messages[0].thinking }}")) == {}


@pytest.mark.parametrize(
    ("template", "options", "prompt", "thinks"),
    [
        (PLAIN, {}, "user: x|", False),
        (SWITCH, {}, "user: x|", True),
        (SWITCH, {"enable_thinking": False}, "user: x|<think>\n\n</think>", False),
        (SWITCH, {}, "user: x|<think>\n\n</think>", False),
        (ALWAYS, {}, "user: x|<think>\n", True),
        (STRIPS, {}, "x|", True),
        (EFFORT, {"reasoning_effort": "low"}, "user: x|", True),
    ],
)
def test_whether_a_model_may_think(chat, template, options, prompt, thinks):
    tok = chat(template)
    assert may_think(prompt, tok, options) is thinks
    assert too_little_for_thought(prompt, tok, options, LITTLE - 1) is thinks
    assert not too_little_for_thought(prompt, tok, options, LITTLE)


def test_a_judge_that_thinks_is_read_after_its_thought():
    replies = ["<think>yes or no?</think>\nNo.", "<think>yes", "Yes", "analysisyes?assistantfinalno", None]
    judged = Judgement([Exchange("p", reply) for reply in replies], [None] * 5, [None] * 5)
    assert judged.verdict == [False, None, True, False, None]
    opened = Exchange("Right:<think>\n", "yes, no</think>yes")
    assert opened.answer == "yes" and Exchange("Right:<think>\n", "yes, no").answer == ""


def test_an_extractor_that_thinks_is_read_after_its_thought():
    locate = extractor(lambda prompt: "<think>Rome? Paris.</think>\nParis")
    (found,) = locate(["Where?"], ["It is Paris, not Rome."])
    assert found.spans == [(6, 11)]
    (lost,) = extractor(lambda prompt: "<think>Rome")(["Where?"], ["It is Paris, not Rome."])
    assert lost.spans == []


def test_a_hooked_judge_has_room_for_a_thought_or_is_told_not_to_think(llama, monkeypatch):
    seen = {}

    def generate(model, prompts, *, max_new_tokens, **_):
        seen["new"], seen["prompts"] = max_new_tokens, prompts
        return []

    monkeypatch.setattr("interp.generating.generation.generate", generate)
    monkeypatch.setattr("interp.models.loading.model_info", lambda model: type("Info", (), {"n_ctx": 10**6}))
    tok = model_tokenizer(llama)
    for template, room in ((PLAIN, 8), (SWITCH, 8), (ALWAYS, 8 + THOUGHT_TOKENS)):
        monkeypatch.setattr(tok, "chat_template", template)
        with pytest.raises(ValueError, match="zip"):
            ask(llama, ["Right?"], max_new_tokens=8)
        assert seen["new"] == room
        text = tok.decode(seen["prompts"][0])
        assert text.endswith({PLAIN: "|", SWITCH: "</think>", ALWAYS: "<think>"}[template])
