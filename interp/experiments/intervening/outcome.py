"""What an intervention is judged by: one number of a sample's run, higher where the model leans to a right answer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from interp.errors import DataError
from interp.experiments.intervening.edited_pass import Text
from interp.experiments.intervening.pairs import exact_ids
from interp.labelling.answers import Answers
from interp.models.backends.kinds import backend_of
from interp.models.batches import common_prefix
from interp.models.loading import HookedModel, model_info
from interp.support.messages import shown

ANSWER, JUDGEMENT = "answer", "judgement"
QUESTION = "\nIs this answer correct? Answer Yes or No:"
"""Put behind a sample's text for `judgement`."""
LATER = "at or after the exact answer's first token, whose log-probability it cannot change"
"""Why a cell has no effect on the outcome `answer`."""

LOGITS = 1 << 26
"""Numbers of one tensor of logits."""

OwnOutcome = Callable[[Float[Tensor, "sample d_vocab"]], Float[Tensor, " sample"]]


@dataclass(frozen=True)
class Asked:
    """A text of a sample, and what of its logits counts."""

    text: Text
    targets: tuple[tuple[float, tuple[int, ...]], ...] = ()
    """(sign, tokens): signed sums of the log-probabilities of tokens, each of which follows one of the last points."""
    own: OwnOutcome | None = None
    """In place of targets: of the logits behind the last token."""


def answer_outcome(answers: Answers, sample: int, right: int, wrong: int, first: int) -> list[Asked]:
    """ln P(the right sample's exact answer) − ln P(the wrong one's), behind the text before this sample's own."""
    ids = [*answers.prompt_ids[sample], *answers.completion_ids[sample]]
    before = ids[: answers.exact_answer_tokens[sample][0]]  # type: ignore[index]
    texts: dict[tuple[int, ...], list[tuple[float, tuple[int, ...]]]] = {}
    for sign, of in ((1.0, right), (-1.0, wrong)):
        tokens = tuple(exact_ids(answers, of))
        texts.setdefault((*before, *tokens[:-1]), []).append((sign, tokens))
    return [
        Asked(Text(text, min(first, len(before) - 1), len(targets[0][1])), tuple(targets))
        for text, targets in texts.items()
    ]


def own_outcome(
    answers: Answers, sample: int, first: int, function: OwnOutcome, question: Sequence[int] = ()
) -> list[Asked]:
    """A function of the logits behind a sample's whole text, and a question put there."""
    ids = (*answers.prompt_ids[sample], *answers.completion_ids[sample], *question)
    return [Asked(Text(ids, first, 1), own=function)]


def judgement(tokenizer: Any, question: str = QUESTION) -> tuple[OwnOutcome, list[int]]:
    """Logit of Yes less that of No, and the ids before them. Raises DataError where the two have no token each.

    Of each word the first token that the other one lacks: a tokenizer may take the space before a word alone.
    """
    ids: list[int] = tokenizer(question, add_special_tokens=False)["input_ids"]
    said = [tokenizer(f"{question} {word}", add_special_tokens=False)["input_ids"] for word in ("Yes", "No")]
    before = common_prefix(said)
    yes, no = (one[len(before)] if len(one) > len(before) else None for one in said)
    unknown = getattr(tokenizer, "unk_token_id", None)
    if None in (yes, no) or before[: len(ids)] != ids or (unknown is not None and unknown in (*before, yes, no)):
        raise DataError(
            f"outcome: the model's tokenizer has no tokens of their own for Yes and No after {shown(question)} "
            f"({yes} and {no}); give another `question`, or a function of the logits"
        )

    def yes_less_no(logits: Float[Tensor, "sample d_vocab"]) -> Float[Tensor, " sample"]:
        return logits[:, yes] - logits[:, no]

    return yes_less_no, before


class Readings:
    """What is asked of some samples: their texts one after the other, and values read off last residual streams."""

    def __init__(self, model: HookedModel, asked: Sequence[Sequence[Asked]]) -> None:
        self.model, flat = model, [one for some in asked for one in some]
        self.texts = [one.text for one in flat]
        self.sample = np.repeat(np.arange(len(asked)), [len(some) for some in asked])
        """Which sample each text is of."""
        self.own = flat[0].own
        self.points = np.array([text.points for text in self.texts])
        targets = max(len(one.targets) for one in flat)
        self.sign = np.zeros((len(flat), targets))
        self.token = np.zeros((len(flat), targets, self.points.max()), dtype=np.int64)
        for k, one in enumerate(flat):
            for t, (sign, tokens) in enumerate(one.targets):
                self.sign[k, t], self.token[k, t, : len(tokens)] = sign, tokens

    def values(self, text: Int[np.ndarray, " row"], final: Float[Tensor, "row point d_model"]) -> Float[Tensor, " row"]:
        """Of runs of these texts, whose last points end where `final` ends; in double precision, with gradients."""
        backend, n = backend_of(self.model), self.points[text]
        row = np.repeat(np.arange(len(text)), n)
        offset = np.arange(len(row)) - np.repeat(np.cumsum(n) - n, n)
        hidden = final[torch.from_numpy(row), torch.from_numpy(final.shape[1] - n[row] + offset)]
        step = max(1, LOGITS // model_info(self.model).d_vocab)
        parts = []
        for begin in range(0, len(row), step):
            some = slice(begin, begin + step)
            logits = backend.unembed(hidden[some])
            parts.append(self._of_logits(logits, text[row[some]], offset[some]))
        value = torch.cat(parts)
        return torch.zeros(len(text), dtype=value.dtype, device=value.device).index_add(
            0, torch.from_numpy(row).to(value.device), value
        )

    def _of_logits(
        self, logits: Float[Tensor, "point d_vocab"], text: Int[np.ndarray, " point"], offset: Int[np.ndarray, " point"]
    ) -> Float[Tensor, " point"]:
        if self.own is not None:
            return _checked(self.own(logits), len(logits))
        token = torch.from_numpy(self.token[text, :, offset]).to(logits.device)
        log = logits.float().gather(1, token).double() - logits.float().logsumexp(-1, keepdim=True).double()
        return (log * torch.from_numpy(self.sign[text]).to(logits.device)).sum(-1)


def _checked(value: Any, n: int) -> Float[Tensor, " edit"]:
    if not isinstance(value, Tensor) or value.shape != (n,):
        raise DataError(f"outcome: expected a tensor with a number for each of {n} rows of logits, got {shown(value)}")
    return value.double()
