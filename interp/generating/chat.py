"""Turns of a chat as a chat template writes them: ids from the template itself, on a date that does not move."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

from interp.errors import DataError, ModelError
from interp.support.arguments import mapping, one_text
from interp.support.messages import nearest, shown

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

DATE = "2025-01-01"
"""What a template that asks the clock is told: the prompts of a run are the same on every day."""

CLOCK = "strftime_now"
"""The function by which templates ask the clock, a convention of transformers."""

_OURS = ("messages", "conversation", "tokenize", "add_generation_prompt", "return_dict", "chat_template", CLOCK)

_GENERATION = re.compile(r"\{%-?\s*(?:end)?generation\s*-?%\}")
"""A tag of transformers' own, which marks the assistant's turns."""

HEARD = ("system", "developer", "user")
"""Turns whose text has to stand in the prompt; of an assistant's, templates strip the thought."""

Turn = Mapping[str, str]
"""`role` and `content`."""


@dataclass(frozen=True)
class Rendered:
    """A prompt as text, and as the ids that the model is given."""

    text: str
    ids: list[int]


def has_template(tokenizer: Any) -> bool:
    """Whether the tokenizer writes chats: by a template, or by mistral-common's own code."""
    return getattr(tokenizer, "chat_template", None) is not None or _is_mistral_common(tokenizer)


def template_text(tokenizer: Any) -> str:
    """The chat template; several of one tokenizer one after the other; "" without one."""
    template = getattr(tokenizer, "chat_template", None)
    return "\n".join(template.values()) if isinstance(template, Mapping) else template or ""


def uses_clock(tokenizer: Any) -> bool:
    """Whether the chat template asks for the date."""
    return CLOCK in template_text(tokenizer)


def read_date(value: Any) -> str:
    """A day as `YYYY-MM-DD`. Raises DataError for anything else."""
    try:
        return date.fromisoformat(one_text("prompt_date", value)).isoformat()
    except ValueError:
        raise DataError(f"prompt_date: expected a day as YYYY-MM-DD, got {shown(value)}") from None


def read_chat_options(value: Any) -> dict[str, Any]:
    """Variables of a chat template {name: value}. Raises DataError for names that are ours, or values no JSON holds."""
    if value is None:
        return {}
    options = dict(mapping("chat_options", value, "{variable of the chat template: value}"))
    for name, option in options.items():
        if not isinstance(name, str) or not name.isidentifier() or name in _OURS:
            raise DataError(f"chat_options: expected the name of a variable of the chat template, got {shown(name)}")
        if option is not None and not isinstance(option, bool | int | float | str):
            raise DataError(f"chat_options[{name!r}]: expected a text, a number, True or False, got {shown(option)}")
    return options


def check_chat_options(options: Mapping[str, Any], tokenizer: Any) -> None:
    """Raise DataError for an option that the chat template does not read, with the nearest that it does."""
    read = template_variables(tokenizer) if options else None
    for name in options:
        if read is not None and name not in read:
            known = sorted(read - {*_OURS, "bos_token", "eos_token", "raise_exception", "namespace", "range"})
            hint = nearest(name, known) or f"; it reads {', '.join(known) or 'none'}"
            raise DataError(f"chat_options: the model's chat template reads no variable {name!r}{hint}")


def template_variables(tokenizer: Any) -> frozenset[str] | None:
    """The names that the tokenizer's chat template reads; None where that is not known."""
    return _variables(template_text(tokenizer))


@lru_cache(maxsize=8)
def _variables(template: str) -> frozenset[str] | None:
    """The names that a template reads; None where that is not known."""
    from jinja2 import Environment, TemplateSyntaxError, meta, nodes

    if not template:
        return None
    try:
        tree = Environment(extensions=["jinja2.ext.loopcontrols"]).parse(_GENERATION.sub("", template))
    except TemplateSyntaxError:  # of a dialect that only its own library knows
        return None
    # A variable that the template gives a default stands among those that it assigns, and is read all the same.
    named = {node.name for node in tree.find_all(nodes.Name)}
    loops = {name.name for loop in tree.find_all(nodes.For) for name in loop.target.find_all(nodes.Name)}
    loops |= {loop.target.name for loop in tree.find_all(nodes.For) if isinstance(loop.target, nodes.Name)}
    return frozenset(meta.find_undeclared_variables(tree) | (named - loops - {"loop"}))


def render(
    turns: Sequence[Turn],
    tokenizer: "PreTrainedTokenizerBase",
    *,
    options: Mapping[str, Any] | None = None,
    day: str = DATE,
    generate: bool = True,
) -> Rendered:
    """Turns of a chat and (`generate`) the header of the model's, as text and as the template's own ids.

    Raises ModelError without a chat template, for turns that it refuses, or if its text and its ids disagree.
    """
    if not has_template(tokenizer):
        raise ModelError("a chat prompt was asked for, but the tokenizer has no chat template; use --no-chat")
    variables = dict(options or {})
    messages: list[dict[str, Any]] = [dict(turn) for turn in turns]
    writer = cast(Any, tokenizer)
    if not _is_mistral_common(tokenizer):
        variables["add_generation_prompt"] = generate
    try:
        if uses_clock(tokenizer):
            variables["chat_template"] = stopped_clock(day) + writer.get_chat_template()
        ids = list(writer.apply_chat_template(messages, tokenize=True, return_dict=False, **variables))
        if _is_mistral_common(tokenizer):  # its text is for the eye: read again, a control token is letters
            return Rendered(str(tokenizer.decode(ids, skip_special_tokens=False)), ids)
        text = str(writer.apply_chat_template(messages, tokenize=False, **variables))
        if turns[-1]["content"].strip() not in text:  # a template of a model of pictures takes a list of parts
            messages = [{**turn, "content": [{"type": "text", "text": turn["content"]}]} for turn in turns]
            ids = list(writer.apply_chat_template(messages, tokenize=True, return_dict=False, **variables))
            text = str(writer.apply_chat_template(messages, tokenize=False, **variables))
    except Exception as error:  # of jinja, the template's own `raise_exception`, or mistral-common
        said = (str(error).strip() or type(error).__name__).splitlines()[0]
        roles = ", ".join(turn["role"] for turn in turns)
        raise ModelError(f"the model's chat template refuses the turns ({roles}): {said}") from error
    lost = [turn["role"] for turn in turns if turn["role"] in HEARD and turn["content"].strip() not in text]
    if lost:
        raise ModelError(
            f"the model's chat template leaves out what the {lost[0]}'s turn says: give whole prompts, or use --no-chat"
        )
    if list(tokenizer(text, add_special_tokens=False)["input_ids"]) != ids:
        raise ModelError(
            "the chat template's own ids are not those of the text that it writes: give prompts as `prompt_ids`, or "
            "use --no-chat"
        )
    return Rendered(text, ids)


@lru_cache(maxsize=8)
def stopped_clock(day: str) -> str:
    """What goes before a template so that its `strftime_now` knows one day only, at noon.

    A macro, because transformers makes a text of every function that it is given as a variable.
    """
    noon = datetime.combine(date.fromisoformat(day), time(12))
    directives = [f"%{flag}{letter}" for flag in ("-", "") for letter in "aAbBcCdDeFgGhHIjklmMpPrRSTuUVwWxXyYfZz"]
    texts = {one: noon.strftime(one) for one in directives}
    pairs = ", ".join(f"({one!r}, {text!r})" for one, text in texts.items())
    return (
        f"{{% macro {CLOCK}(format) -%}}{{%- set at = namespace(text=format) -%}}"
        f"{{%- for one, text in [{pairs}] -%}}{{%- set at.text = at.text.replace(one, text) -%}}{{%- endfor -%}}"
        '{{- at.text -}}{%- endmacro %}{{ "" }}'
    )


def _is_mistral_common(tokenizer: Any) -> bool:
    return any(cls.__name__.startswith("MistralCommon") for cls in type(tokenizer).__mro__)
