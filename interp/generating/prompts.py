"""Prompts: the ids a model is given for a row, and where the row's own question stands among them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from string import Formatter
from typing import TYPE_CHECKING, Any

from interp.data.rows import QARow
from interp.errors import DataError, ModelError
from interp.generating.chat import (
    DATE,
    Rendered,
    check_chat_options,
    has_template,
    read_chat_options,
    read_date,
    render,
)
from interp.generating.options import filled
from interp.support.arguments import flag, one_text
from interp.text.spans import Decode, TokenText

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

FIELDS = ("question", "context", "options")


@dataclass(frozen=True)
class PromptFormat:
    """How a row becomes a prompt."""

    template: str | None = None
    """Text with `{question}` (and `{context}`, `{options}`), few-shot examples and all; None: the bare question."""
    chat: bool | None = None
    """Wrap the text as a user turn of the chat template; None: if the tokenizer has one and no `template` is given."""
    options: Mapping[str, Any] | None = None
    """Variables of the chat template, as `enable_thinking`."""
    date: str = DATE
    """The day that a chat template is told which asks the clock."""

    def __post_init__(self) -> None:
        if self.chat is not None:
            flag("chat", self.chat)
        object.__setattr__(self, "options", read_chat_options(self.options))
        object.__setattr__(self, "date", read_date(self.date))
        if self.template is None:
            return
        one_text("prompt_template", self.template)
        try:
            names = [name for _, name, _, _ in Formatter().parse(self.template) if name is not None]
        except ValueError as error:
            raise DataError(
                f"the prompt template is not a format string ({error}); write literal braces as {{{{ and }}}}"
            ) from error
        unknown = [name for name in names if name not in FIELDS]
        if unknown or "question" not in names:
            came = f"{{{unknown[0]}}}" if unknown else "none"
            raise DataError(
                f"the prompt template must hold {{question}} and may hold {{context}} and {{options}}; it names {came}"
            )

    def is_chat(self, tokenizer: "PreTrainedTokenizerBase") -> bool:
        """Whether prompts are turns of a chat. Raises ModelError where that was asked for and there is no template."""
        if self.chat and not has_template(tokenizer):
            raise ModelError("a chat prompt was asked for, but the tokenizer has no chat template; use --no-chat")
        return has_template(tokenizer) and self.template is None if self.chat is None else self.chat

    def prompt(self, row: QARow, tokenizer: "PreTrainedTokenizerBase") -> Rendered:
        """The prompt of `row`, as text and as the ids that the model is given: its own where it brings them.

        Raises DataError for a row that brings turns where prompts are no chat, or an option that the chat template does
        not read, ModelError for turns that it refuses.
        """
        if row.prompt is None and self.is_chat(tokenizer):
            rendered = self.chat_text(row, tokenizer)
            text, ids = rendered.text, with_bos(rendered.ids, tokenizer)
        else:
            if row.prompt is None and (row.system is not None or row.messages is not None):
                brought = "a system turn" if row.system is not None else "messages"
                raise DataError(
                    f"{row.source or row.id}: the row brings {brought}, but prompts are no chat here: use --chat with "
                    "a model that has a chat template, or bring the whole `prompt`"
                )
            if row.prompt is None and self.options:
                raise DataError(
                    f"chat_options: prompts are no chat here, so that nothing reads {next(iter(self.options))!r}; use "
                    "--chat with a model that has a chat template, or leave the option out"
                )
            text = self.filled(row) if row.prompt is None else row.prompt
            ids = encode_prompt(text, tokenizer) if row.prompt_ids is None else []
        return Rendered(text, ids if row.prompt_ids is None else list(row.prompt_ids))

    def chat_text(self, row: QARow, tokenizer: "PreTrainedTokenizerBase", *, generate: bool = True) -> Rendered:
        """The row's turns as the chat template writes them, without a BOS of ours."""
        check_chat_options(self.options or {}, tokenizer)
        return render(self.turns(row), tokenizer, options=self.options, day=self.date, generate=generate)

    def turns(self, row: QARow) -> list[dict[str, str]]:
        """The row's turns, the last of them the user's, which asks."""
        before = [{"role": role, "content": text} for role, text in (row.messages or ())[:-1]]
        if row.system is not None:
            if before and before[0]["role"] in ("system", "developer"):
                raise DataError(f"{row.source or row.id}: the row brings `system` and a system turn; leave one out")
            before.insert(0, {"role": "system", "content": row.system})
        return [*before, {"role": "user", "content": self.filled(row)}]

    def filled(self, row: QARow) -> str:
        """The template with the row's question, options and context, before any chat template."""
        return filled(self.template, row if row.messages is None else replace(row, question=row.messages[-1][1]))


def with_bos(ids: list[int], tokenizer: "PreTrainedTokenizerBase") -> list[int]:
    """The ids of a chat with one BOS, where the tokenizer begins every text with one; a token that ends texts is none.

    TransformerLens makes tokenizers without a BOS begin with their EOS.
    """
    bos = tokenizer.bos_token_id
    if bos is None or bos == tokenizer.eos_token_id or bos in ids[:1] or not begins_with_bos(tokenizer):
        return ids
    return [bos, *ids]


def begins_with_bos(tokenizer: "PreTrainedTokenizerBase") -> bool:
    """Whether the tokenizer begins plain text with a BOS."""
    bos = tokenizer.bos_token_id
    return bos is not None and list(tokenizer("a")["input_ids"])[:1] == [bos]


def first_bos(form: PromptFormat, row: QARow, tokenizer: "PreTrainedTokenizerBase") -> dict[str, Any] | None:
    """The BOS that the prompt of `row` begins with, and whether its text writes it or it was added; or None."""
    bos, prompt = tokenizer.bos_token_id, form.prompt(row, tokenizer)
    if bos is None or prompt.ids[:1] != [bos]:
        return None
    written = row.prompt_ids is not None or prompt.text.startswith(str(tokenizer.bos_token))
    return {"token": str(tokenizer.bos_token), "id": int(bos), "by": "the prompt" if written else "interp"}


def encode_prompt(text: str, tokenizer: "PreTrainedTokenizerBase") -> list[int]:
    """Ids of a prompt with the special tokens it needs: one BOS where the tokenizer adds one, no EOS at the end."""
    bos, eos = tokenizer.bos_token, tokenizer.eos_token_id
    written_out = bos is not None and text.startswith(bos)
    ids = list(tokenizer(text, add_special_tokens=not written_out)["input_ids"])
    if ids and ids[-1] == eos and not (tokenizer.eos_token and text.endswith(tokenizer.eos_token)):
        ids.pop()
    return ids


def decoder(tokenizer: "PreTrainedTokenizerBase") -> Decode:
    """Ids to text as defined: special tokens kept, spaces left as they are."""

    def decode(ids: Sequence[int]) -> str:
        return str(tokenizer.decode(list(ids), skip_special_tokens=False, clean_up_tokenization_spaces=False))

    return decode


def locate_question(question: str, prompt_ids: Sequence[int], decode: Decode) -> tuple[int, int] | None:
    """First and last token of the row's own question: its last occurrence, few-shot examples come before it."""
    begin = decode(prompt_ids).rfind(question)
    if begin < 0 or not question:
        return None
    # The first token that reaches past `begin`, by bisection: decoding every prefix would be quadratic.
    low, high = 0, len(prompt_ids)
    while low < high:
        middle = (low + high) // 2
        if len(decode(prompt_ids[: middle + 1])) > begin:
            high = middle
        else:
            low = middle + 1
    start = max(0, low - 2)
    return TokenText.of(decode, prompt_ids, start).tokens(begin, begin + len(question))
