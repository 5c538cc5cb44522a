"""The token with which a chat template closes an assistant's turn: an answer ends there, whatever the EOS is."""

from functools import lru_cache
from typing import Any

SAID = "Paris"


def turn_end_ids(tokenizer: Any) -> frozenset[int]:
    """The first special or added token after an assistant's turn; none without a template, or such a token.

    As a rule the turn is the last of a chat; where nothing closes that one (GLM), the mark with which the user's next
    turn begins.

    Models are trained to end their turn with it, and neither a GGUF file nor a model that its user wrapped need say so.
    """
    template = getattr(tokenizer, "chat_template", None)
    if template is None:
        return frozenset()
    return _turn_end(str(template), _Of(tokenizer))


class _Of:
    """A tokenizer as a key of the cache: equal to another of the same object."""

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer

    def __hash__(self) -> int:
        return id(self.tokenizer)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Of) and other.tokenizer is self.tokenizer


@lru_cache(maxsize=8)
def _turn_end(template: str, of: _Of) -> frozenset[int]:
    tokenizer = of.tokenizer
    asked, answered = {"role": "user", "content": "?"}, {"role": "assistant", "content": SAID}
    marks = {*tokenizer.all_special_ids, *tokenizer.get_added_vocab().values()}
    for turns in ([asked, answered], [asked, answered, asked]):
        after = _after(turns, tokenizer)
        ids = tokenizer(after, add_special_tokens=False)["input_ids"] if after else []
        if marks.intersection(ids):
            return frozenset([next(token for token in ids if token in marks)])
    return frozenset()


def _after(turns: list[dict[str, str]], tokenizer: Any) -> str:
    """What a template writes after the assistant's text; "" for one that refuses the chat, or leaves the text out.

    Templates of models of pictures take a list of parts.
    """
    parts = [{**turn, "content": [{"type": "text", "text": turn["content"]}]} for turn in turns]
    for form in (turns, parts):
        try:
            text = str(tokenizer.apply_chat_template(form, tokenize=False))
        except Exception:  # a template that refuses this chat says nothing of how turns end
            continue
        if SAID in text:
            return text[text.rfind(SAID) + len(SAID) :]
    return ""
