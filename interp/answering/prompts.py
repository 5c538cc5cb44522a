"""Prompts: the ids a model is given for a row, and where the row's own question stands among them."""

from collections.abc import Sequence
from dataclasses import dataclass
from string import Formatter
from typing import TYPE_CHECKING

from interp.answering import options
from interp.answering.spans import Decode, TokenText
from interp.arguments import flag, one_text
from interp.data.rows import QARow
from interp.errors import DataError, ModelError

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

    def __post_init__(self) -> None:
        if self.chat is not None:
            flag("chat", self.chat)
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
        has_template = getattr(tokenizer, "chat_template", None) is not None
        if self.chat and not has_template:
            raise ModelError("a chat prompt was asked for, but the tokenizer has no chat template; use --no-chat")
        return has_template and self.template is None if self.chat is None else self.chat

    def text(self, row: QARow, tokenizer: "PreTrainedTokenizerBase") -> str:
        """The prompt of `row` as text."""
        if row.prompt is not None:
            return row.prompt
        return chat_turn(self.filled(row), tokenizer) if self.is_chat(tokenizer) else self.filled(row)

    def filled(self, row: QARow) -> str:
        """The template with the row's question, options and context, before any chat template."""
        return options.filled(self.template, row)


def chat_turn(text: str, tokenizer: "PreTrainedTokenizerBase", *, generate: bool = True) -> str:
    """Text as a user turn, and (`generate`) the header of the model's. Raises ModelError without a chat template."""
    if getattr(tokenizer, "chat_template", None) is None:
        raise ModelError("a chat prompt was asked for, but the tokenizer has no chat template; use --no-chat")
    turn = [{"role": "user", "content": text}]
    return str(tokenizer.apply_chat_template(turn, tokenize=False, add_generation_prompt=generate))


def encode_prompt(text: str, tokenizer: "PreTrainedTokenizerBase") -> list[int]:
    """Ids of a prompt with the special tokens it needs: one BOS where the tokenizer adds one, no EOS at the end."""
    bos, eos = tokenizer.bos_token, tokenizer.eos_token_id
    written_out = bos is not None and text.startswith(bos)
    ids = list(tokenizer(text, add_special_tokens=not written_out)["input_ids"])
    if ids and ids[-1] == eos and not (tokenizer.eos_token and text.endswith(tokenizer.eos_token)):
        ids.pop()
    return ids


def row_ids(row: QARow, text: str, tokenizer: "PreTrainedTokenizerBase") -> list[int]:
    """Ids of a row's prompt: its own, else those of its `text`."""
    return list(row.prompt_ids) if row.prompt_ids is not None else encode_prompt(text, tokenizer)


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
