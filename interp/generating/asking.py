"""Ask a language model, a hooked one or any function from text to text, and keep what was asked and replied."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from string import Formatter
from typing import TYPE_CHECKING, Any

from interp.data.rows import QARow
from interp.errors import DataError
from interp.generating.chat import Rendered
from interp.generating.thinking import THOUGHT_TOKENS, may_think, without_thought
from interp.support.arguments import one_text
from interp.support.messages import shown
from interp.text.spans import Decode
from interp.text.thoughts import final_answer

if TYPE_CHECKING:
    from interp.models.memory import Splits


@dataclass(frozen=True)
class Exchange:
    """One prompt and its reply."""

    prompt: str
    reply: str | None
    """As it came, with the special tokens inside it; None: the prompt does not fit the model's context, so that it was
    not asked."""

    @property
    def answer(self) -> str | None:
        """The reply without a thought; "" if that never ends, None if there is no reply."""
        return None if self.reply is None else final_answer(self.reply, prompt=self.prompt)


def ask(
    model: Any,
    prompts: Sequence[str],
    *,
    max_new_tokens: int,
    batch_tokens: int = 8192,
    splits: "Splits | None" = None,
    label: str = "",
) -> list[Exchange]:
    """The greedy reply of a hooked model to every prompt, or `model(prompt)` where `model` is a function.

    A prompt is a user turn where the tokenizer has a chat template; else plain text, and the reply ends with its
    line. A template that can turn thinking off is asked to; a model that may think all the same has `THOUGHT_TOKENS`
    besides `max_new_tokens`. `splits` and `label` are those of `generate`.

    Raises DataError for something that is neither, a function that does not return text, or if no prompt fits the
    model's context.
    """
    from interp.models.backends.kinds import is_hooked

    check_asked("model", model)
    if not is_hooked(model):
        return [_call(model, prompt) for prompt in prompts]
    from interp.generating.chat import has_template
    from interp.generating.generation import generate
    from interp.generating.prompts import PromptFormat, decoder, encode_prompt
    from interp.models.loading import model_info, model_tokenizer

    tokenizer = model_tokenizer(model)
    is_chat = has_template(tokenizer)
    if is_chat:
        form = PromptFormat(chat=True, options=without_thought(tokenizer))
        rendered = [form.prompt(QARow("", prompt, ()), tokenizer) for prompt in prompts]
        if rendered and may_think(rendered[0].text, tokenizer, form.options):
            max_new_tokens += THOUGHT_TOKENS
    else:
        rendered = [Rendered(prompt, encode_prompt(prompt, tokenizer)) for prompt in prompts]
    texts, ids = [one.text for one in rendered], [one.ids for one in rendered]
    room = model_info(model).n_ctx - max_new_tokens
    fits = [i for i, one in enumerate(ids) if len(one) <= room]
    if prompts and not fits:
        raise DataError(
            f"none of {len(prompts)} prompts (the shortest has {min(map(len, ids))} tokens) fits the context of the "
            f"model asked, {room + max_new_tokens} with {max_new_tokens} for the reply: ask another model, or shorten "
            "the prompt"
        )
    generated = generate(
        model,
        [ids[i] for i in fits],
        max_new_tokens=max_new_tokens,
        stop=() if is_chat else ("\n",),
        batch_tokens=batch_tokens,
        splits=splits,
        label=label,
    )
    decode, special = decoder(tokenizer), frozenset(tokenizer.all_special_ids)
    replies = {i: _reply(one.ids, decode, special) for i, one in zip(fits, generated, strict=True)}
    return [Exchange(text, replies.get(i)) for i, text in enumerate(texts)]


def _reply(ids: Sequence[int], decode: Decode, special: Collection[int]) -> str:
    """The reply without the special tokens that end it; those inside may be the marks of a thought."""
    end = len(ids)
    while end and ids[end - 1] in special:
        end -= 1
    return decode(ids[:end])


def check_asked(name: str, model: Any) -> None:
    """Raise DataError unless something can be asked: a hooked model, or a function from text to text."""
    from interp.models.backends.kinds import is_hooked

    if not is_hooked(model) and (not callable(model) or isinstance(model, type)):
        raise DataError(f"{name}: expected a hooked model (load_model) or a function str -> str, got {shown(model)}")


def _call(function: Any, prompt: str) -> Exchange:
    reply = function(prompt)
    if not isinstance(reply, str):
        raise DataError(f"a model given as a function must return text, got {type(reply).__name__}: {reply!r:.60}")
    return Exchange(prompt, reply)


def check_fields(template: str, *, needed: Sequence[str], allowed: Sequence[str] = ()) -> None:
    """Raise DataError if a prompt template lacks a field it needs, or names another."""
    one_text("prompt", template)
    try:
        names = {name for _, name, _, _ in Formatter().parse(template) if name is not None}
    except ValueError as error:
        raise DataError(f"the prompt is no format string ({error}); write literal braces as {{{{ and }}}}") from error
    wanted = " ".join(f"{{{name}}}" for name in needed)
    if missing := [name for name in needed if name not in names]:
        raise DataError(f"the prompt must hold {wanted}; it lacks {{{missing[0]}}}")
    if unknown := sorted(names - {*needed, *allowed}):
        raise DataError(f"the prompt must hold {wanted}; it must not name {{{unknown[0]}}}")
