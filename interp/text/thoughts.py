"""What a model wrote and what it answered: thoughts end where the final answer begins (definitions: a thought)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

Span = tuple[int, int]
"""Characters `[begin, end)`."""

UNFINISHED = "unfinished_thought"
"""The status of a completion whose thought never ends."""

_WORD = (
    r"(?:(?:\w+[_-])?think(?:ing)?(?:[_-]\w+)?|(?:internal[_-])?thoughts?(?:[_-]process)?|reason(?:ing)?(?:[_-]process)?"
    r"|(?:self[_-])?reflection|scratch[_-]?pad|rationale|analysis|chain[_-]of[_-]thoughts?|cot"
    r"|inner[_-]?(?:thoughts?|monologue))"
)
_OPENING = re.compile(
    rf"""
    < (?:\w+:)? {_WORD} (?::\w+)? (?:\s[^<>]*)? >                          # <think>, <seed:think>
  | (?-i:\[THINK\]) | ◁ {_WORD} ▷                                        # Magistral, Kimi
  | <\| (?:(?:begin|start)_(?:of_)?)? {_WORD} (?:_(?:begin|start))? \|>     # <|begin_of_thought|>, <|START_THINKING|>
  | <\|inner_prefix\|> | <\|channel> [ ]* {_WORD} | <unused94> (?:thought)?  # Apertus, Gemma 4, MedGemma
  | <\|channel\|> (?:analysis|commentary) [^<]* <\|message\|>              # harmony
  | <\|im_start\|>(?:assistant/)?think\b                                # s1, HyperCLOVA X
  | \A\s*here(?:['’]s|[ ]is)[ ]my[ ]thought[ ]process:                     # Granite 3.2
  | \A\s*\#+[ ]Thinking[ ]*$                                              # HuatuoGPT
    """,
    re.IGNORECASE | re.VERBOSE | re.MULTILINE,
)
_CLOSING = re.compile(
    rf"""
    </ (?:\w+:)? {_WORD} (?::\w+)? \s* >
  | (?-i:\[/THINK\]) | ◁ / {_WORD} ▷
  | <\| (?:/ {_WORD} | end_(?:of_)? {_WORD} | {_WORD} _end) \|>
  | <\|inner_suffix\|> | <channel\|> | <unused95>
  | <\|im_start\|>answer\b | <\|end\|>\s*<\|begin\|>assistant\s*<\|content\|>
  | (?:^|(?<=[.!?]\s))here(?:['’]s|[ ]is)[ ]my[ ]response: | ^\#+[ ]Final[ ]Response[ ]*$
    """,
    re.IGNORECASE | re.VERBOSE | re.MULTILINE,
)
_MESSAGE = re.compile(r"<\|channel\|>\s*(?P<channel>\w+)[^<]*(?:<\|constrain\|>[^<]*)?<\|message\|>")
"""The head of a message in OpenAI's harmony format, which gives every message a channel."""
_MESSAGE_END = re.compile(r"<\|(?:end|return|call|start|channel)\|>")
_BARE_MESSAGES = re.compile(
    r"\s*(?:assistant)?(?:analysis|commentary)(?=\W*\w)(?:.*?)assistant(?:\w*?)final", re.DOTALL
)
"""The same after a decoder that drops special tokens."""
_BARE_BEGUN = re.compile(r"\s*(?:assistant)?analysis(?=[^\W_])")
"""Its first message, where the last never came."""
_ANSWER = "(?:final_?)?(?:answer|response|output|solution)|final"
_ANSWER_TOKEN = f"{_ANSWER}|text|box"
"""Command A's and GLM's special tokens may also say text, or box."""
_WRAPPED = re.compile(
    rf"""
    (?: < (?:{_ANSWER}) > | <\| (?:(?:begin|start)_(?:of_)?)? (?:{_ANSWER_TOKEN}) \|> | (?-i:\[ANSWER\]) )
    (?P<inside>.*?)
    (?: </ (?:{_ANSWER}) > | <\| (?:/|end_(?:of_)?) (?:{_ANSWER_TOKEN}) \|> | (?-i:\[/ANSWER\]) | (?P<open>\Z) )
    """,
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)
"""Marks around the answer itself, as models write them after a thought."""
_QUOTES = ("`", "'", '"', "‘", "’", "“", "”", "„", "«", "»")
_TAG = re.compile(r"<[^<>\s]{1,40}>")
"""What may stand after an answer and is none: the end of the turn."""


@dataclass(frozen=True)
class Parts:
    """A completion's thought and final answer, as characters of its text with special tokens kept."""

    thought: Span | None
    """From the first opening mark (or the beginning) to the last closing mark, marks included; None: no thought."""
    final: Span | None
    """The final answer; None: the thought never ends."""


def parts_of(text: str, *, begun: bool = False) -> Parts:
    """Where the thoughts of a completion end; `begun`: the prompt has opened one already.

    The final answer is what stands after the last thought, or before it if nothing follows (a rationale after the
    answer); of harmony's messages the last one in the channel `final`; without the marks in which models wrap it
    (`<answer>…</answer>`).
    """
    heads = list(_MESSAGE.finditer(text))
    if heads or (begun and "<|channel|>" in text) or text.lstrip().startswith("<|channel|>"):
        return _of_messages(text, heads)
    if bare := _BARE_MESSAGES.match(text):
        return Parts((0, bare.end()), _unwrapped(text, (bare.end(), len(text))))
    if _BARE_BEGUN.match(text):
        return Parts((0, len(text)), None)
    thoughts, open_at = _thoughts(text, begun=begun)
    if open_at is not None:
        return Parts((min([open_at, *(begin for begin, _ in thoughts)]), len(text)), None)
    if not thoughts:
        return Parts(None, _unwrapped(text, (0, len(text))))
    *before, last = thoughts
    final = (last[1], len(text))
    earlier = (before[-1][1] if before else 0, last[0])
    if not _says(text, final) and _says(text, earlier):
        final = earlier
    return Parts((thoughts[0][0], last[1]), _unwrapped(text, final))


def _thoughts(text: str, *, begun: bool) -> tuple[list[Span], int | None]:
    """The thoughts that end, and where one begins that does not; None: all of them end.

    A mark in quotes, or in the middle of a sentence ("the <think> tag"), is none, unless it closes what was opened.
    """
    steps = {one.span(): 1 for one in _OPENING.finditer(text)}
    steps |= {one.span(): -1 for one in _CLOSING.finditer(text)}  # <|END_THINKING|> looks like both
    marks = [(start, end, steps[start, end]) for start, end in sorted(steps) if not _quoted(text, start, end)]
    found: list[Span] = []
    depth, begin, mentioned = int(begun), 0, False
    for number, (start, end, step) in enumerate(marks, 1):
        if step > 0:
            if depth == 0 and not _begins_sentence(text, start):
                mentioned = True
                continue
            begin = begin if depth else start
            depth += 1
        elif depth:
            depth = 0 if number == len(marks) else depth - 1
            if depth == 0:
                found.append((begin, end))
        elif _begins_line(text, start) or not text[end:].split("\n", 1)[0].strip():
            found.append((start if found else 0, end))
        elif not found and not mentioned:  # opened where nobody saw it
            found.append((0, end))
    return found, begin if depth else None


def _quoted(text: str, start: int, end: int) -> bool:
    """Whether a mark is written of, as `</think>` is here."""
    return text[:start].endswith(_QUOTES) and text[end:].startswith(_QUOTES)


def _says(text: str, span: Span) -> bool:
    return re.search(r"\w", _TAG.sub("", text[slice(*span)])) is not None


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


def _begins_sentence(text: str, at: int) -> bool:
    return _begins_line(text, at) or text[:at].rstrip(" ").endswith((".", "!", "?", ":", "…", ">", "▷"))


def _unwrapped(text: str, span: Span) -> Span:
    """The answer without the marks around it: the last that holds something; an unclosed one only at the beginning."""
    wrapped = [one for one in _WRAPPED.finditer(text, *span)]
    inside = [
        one.span("inside")
        for one in wrapped
        if one["inside"].strip() and (one["open"] is None or not _says(text, (span[0], one.start())))
    ]
    if inside:
        return inside[-1]
    if wrapped and (wrapped[-1]["open"] is None or not _says(text, (span[0], wrapped[-1].start()))):
        return wrapped[-1].end(), span[1]
    return span
