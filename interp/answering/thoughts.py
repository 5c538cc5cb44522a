"""What a model wrote and what it answered: thoughts end where the final answer begins (definitions: a thought)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Span = tuple[int, int]
"""Characters `[begin, end)`."""

UNFINISHED = "unfinished_thought"
"""The status of a completion whose thought never ends."""

_WORD = (
    r"(?:(?:think(?:ing)?|thoughts?|reason(?:ing)?)(?:_process)?|reflection|scratch_?pad|analysis"
    r"|chain_of_thoughts?|cot|inner_?(?:thoughts?|monologue))"
)
_OPENING = re.compile(
    rf"""
    < (?:\w+:)? {_WORD} (?:\s[^<>]*)? >                                    # <think>, <seed:think>
  | \[ {_WORD} \] | ◁ {_WORD} ▷                                            # Magistral, Kimi
  | <\| (?:(?:begin|start)_(?:of_)?)? {_WORD} (?:_(?:begin|start))? \|>     # <|begin_of_thought|>, <|START_THINKING|>
  | <\|inner_prefix\|> | <\|channel> [ ]* {_WORD} | <unused94> (?:thought)?  # Apertus, Gemma 4, MedGemma
  | <\|channel\|> (?:analysis|commentary) [^<]* <\|message\|>              # harmony
    """,
    re.IGNORECASE | re.VERBOSE,
)
_CLOSING = re.compile(
    rf"""
    </ (?:\w+:)? {_WORD} \s* >
  | \[ / {_WORD} \] | ◁ / {_WORD} ▷
  | <\| (?:/ {_WORD} | end_(?:of_)? {_WORD} | {_WORD} _end) \|>
  | <\|inner_suffix\|> | <channel\|> | <unused95>
    """,
    re.IGNORECASE | re.VERBOSE,
)
_MESSAGE = re.compile(r"<\|channel\|>\s*(?P<channel>\w+)[^<]*(?:<\|constrain\|>[^<]*)?<\|message\|>")
"""The head of a message in OpenAI's harmony format, which gives every message a channel."""
_MESSAGE_END = re.compile(r"<\|(?:end|return|call|start|channel)\|>")
_BARE_MESSAGES = re.compile(r"\s*analysis(?=\W*\w)(?:.*?)assistant(?:commentary.*?assistant)*final", re.DOTALL)
"""The same after a decoder that drops special tokens."""
_ANSWER = "(?:final_?)?(?:answer|response|output|solution)"
_WRAPPED = re.compile(
    rf"""
    \s* (?: < {_ANSWER} > | <\| (?:(?:begin|start)_(?:of_)?)? {_ANSWER} \|> ) (?P<inside>.*?)
    (?: </ {_ANSWER} > | <\| (?:/|end_(?:of_)?) {_ANSWER} \|> | \Z )
    """,
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)
"""Marks around the answer itself, as models write them after a thought."""


@dataclass(frozen=True)
class Parts:
    """A completion's thought and final answer, as characters of its text with special tokens kept."""

    thought: Span | None
    """From the first opening mark (or the beginning) to the last closing mark, marks included; None: no thought."""
    final: Span | None
    """The final answer; None: the thought never ends."""


def parts_of(text: str, *, begun: bool = False) -> Parts:
    """Where the thought of a completion ends; `begun`: the prompt has opened it already.

    The final answer is what stands after the last closing mark, of harmony's messages the last one in the channel
    `final`; without the marks in which models wrap it (`<answer>…</answer>`).
    """
    heads = list(_MESSAGE.finditer(text))
    if heads or (begun and "<|channel|>" in text):
        return _of_messages(text, heads)
    if bare := _BARE_MESSAGES.match(text):
        return Parts((0, bare.end()), _unwrapped(text, bare.end()))
    closings = list(_CLOSING.finditer(text))
    begin = closings[-1].end() if closings else 0
    # A thought opens where a line does: "the <think> tag" in the middle of a sentence is none.
    opening = next((one for one in _OPENING.finditer(text, begin) if _begins_line(text, one.start())), None)
    first = next((one.start() for one in _OPENING.finditer(text) if _begins_line(text, one.start())), 0)
    if begun or (closings and first >= closings[0].start()):
        first = 0
    if opening is not None or (begun and not closings):
        return Parts((first, len(text)), None)
    return Parts((first, begin) if closings else None, _unwrapped(text, begin))


def begins_in_thought(prompt: str) -> bool:
    """Whether a prompt ends with the opening mark of a thought, as some templates do: the model goes on in it."""
    openings = list(_OPENING.finditer(prompt))
    return bool(openings) and not prompt[openings[-1].end() :].strip()


def final_answer(reply: str, *, prompt: str = "") -> str:
    """What a reply answers, without its thought; "" if the thought never ends."""
    final = parts_of(reply, begun=begins_in_thought(prompt)).final
    return "" if final is None else reply[slice(*final)]


def mentions_thoughts(template: str) -> bool:
    """Whether a chat template knows thoughts: it writes, reads or strips the marks of one."""
    harmony = "<|channel|>" in template and "analysis" in template
    return harmony or "enable_thinking" in template or bool(_CLOSING.search(template) or _OPENING.search(template))


def _of_messages(text: str, heads: Sequence[re.Match[str]]) -> Parts:
    final = next((head for head in reversed(heads) if head["channel"] == "final"), None)
    if final is None:
        return Parts((0, len(text)), None)
    end = _MESSAGE_END.search(text, final.end())
    thought = (0, final.end()) if len(heads) > 1 or text[: final.start()].strip() else None
    return Parts(thought, (final.end(), end.start() if end else len(text)))


def _begins_line(text: str, at: int) -> bool:
    return not text[text.rfind("\n", 0, at) + 1 : at].strip(" \t\0*#>")


def _unwrapped(text: str, begin: int) -> Span:
    wrapped = _WRAPPED.match(text, begin)
    return wrapped.span("inside") if wrapped else (begin, len(text))


def thought_warnings(samples: Sequence[Mapping[str, Any]]) -> list[str]:
    """What to do about thoughts that never end; none where there is no such sample."""
    unfinished = sum(sample.get("status") == UNFINISHED for sample in samples)
    if not unfinished:
        return []
    return [
        f"{unfinished} of {len(samples)} completions never end their thought: what the model would have answered is "
        "not known, and they have no label and no exact answer. Give a larger --max-new-tokens, or turn thinking off "
        "if the chat template can (--chat-option enable_thinking=false)."
    ]
