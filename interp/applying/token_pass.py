"""A probe's score at every token of a text, computed as the vectors come by: none of them is kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from interp.applying.token_scores import TokenScores
from interp.capturing.layer_pass import LayerPass
from interp.errors import DataError
from interp.generating.prompts import decoder, encode_prompt
from interp.labelling.answers import Answers
from interp.models.loading import HookedModel, model_info, model_tokenizer
from interp.models.sites import check_sites
from interp.support.arguments import one_of, several_texts, whole_number
from interp.support.arrays import whole_numbers_in_order
from interp.support.fingerprint import weights_hash
from interp.text.spans import TokenText

if TYPE_CHECKING:
    from interp.applying.fitted_probe import FittedProbe

TOKENS = ("completion", "all")
"""Which tokens have a score: those of the completion, or those of the prompt too."""


def score_tokens(
    probe: "FittedProbe", model: HookedModel, answers: Any, *, tokens: str, fold: Any, batch_tokens: int
) -> TokenScores:
    """`FittedProbe.score_tokens`."""
    given = _read(answers, model)
    one_of("tokens", tokens, TOKENS)
    folds = _read_folds(probe, fold, len(given.id))
    batch_tokens = whole_number("batch_tokens", batch_tokens, 1)
    _check_model(probe, model)
    left_out = given.left_out(model_info(model).n_ctx)
    usable = [i for i, name in enumerate(given.id) if name not in left_out]
    first = [len(ids) if tokens == "completion" else 0 for ids in given.prompt_ids]
    passes: LayerPass[Float[np.ndarray, " token"]] = LayerPass(
        model,
        given.prompt_ids,
        given.completion_ids,
        site=probe.site,
        layer=probe.layer,
        first=first,
        usable=usable,
        batch_tokens=batch_tokens,
    )

    def score(sample: int, vectors: Tensor) -> Float[np.ndarray, " token"]:
        fold = int(folds[sample])
        direction, bias = (
            (probe.direction, probe.bias) if fold < 0 else (probe.fold_direction[fold], probe.fold_bias[fold])
        )
        if vectors.shape[1] != len(direction):
            raise DataError(
                f"probe: expected vectors of width {len(direction)} at {probe.hook_point}, got {vectors.shape[1]}: "
                "another model"
            )
        scores: Float[np.ndarray, " token"] = (vectors.cpu().double() @ direction + bias).numpy()
        return scores

    return _joined(probe, model, given, first, passes(score), left_out)


@dataclass(frozen=True)
class _Given:
    """The samples as ids."""

    id: Sequence[str]
    prompt_ids: Sequence[Sequence[int]]
    completion_ids: Sequence[Sequence[int]]
    status: Sequence[str]

    def left_out(self, n_ctx: int) -> dict[str, str]:
        """The samples that cannot have scores, and why."""
        reasons = {}
        for name, prompt, completion, status in zip(
            self.id, self.prompt_ids, self.completion_ids, self.status, strict=True
        ):
            if status == "too_long" or len(prompt) + len(completion) > n_ctx:
                reasons[name] = "longer than the model's context"
            elif not completion:
                reasons[name] = "no token"
        return reasons


def _read(answers: Any, model: HookedModel) -> _Given:
    """Answers, or texts that are tokenised as a prompt is."""
    if isinstance(answers, Answers):
        return _Given(answers.id, answers.prompt_ids, answers.completion_ids, answers.status)
    texts = several_texts("answers", answers)
    tokenizer = model_tokenizer(model)
    ids = [encode_prompt(text, tokenizer) for text in texts]
    return _Given([str(i) for i in range(len(ids))], [[]] * len(ids), ids, ["ok"] * len(ids))


def _read_folds(probe: "FittedProbe", fold: Any, n: int) -> Int[np.ndarray, " sample"]:
    """Each sample's fold, -1: scored by the probe of all samples. Raises DataError for folds that it does not have."""
    if fold is None:
        return np.full(n, -1)
    numbers = whole_numbers_in_order("fold", fold)
    if len(numbers) != n or (numbers >= len(probe.fold_bias)).any():
        raise DataError(
            f"fold: expected a number for each of {n} samples, below {len(probe.fold_bias)}, how many folds the probe "
            f"has, or -1, got {len(numbers)}, up to {max(numbers.tolist(), default=-1)}"
        )
    return numbers


def _check_model(probe: "FittedProbe", model: HookedModel) -> None:
    """Raise DataError unless it is the model that the probe was fitted on, as far as that is known."""
    info = model_info(model)
    if probe.layer >= info.n_layers:
        raise DataError(f"probe: it reads layer {probe.layer}, and the model has {info.n_layers}: another model")
    if probe.model and (theirs := weights_hash(model)) != probe.model:
        raise DataError(
            f"probe: fitted on a model with weights {probe.model[:12]}…, but this model's are {theirs[:12]}…; "
            "a direction means nothing in another model's space"
        )
    check_sites(model, [probe.site])


def _joined(
    probe: "FittedProbe",
    model: HookedModel,
    given: _Given,
    first: Sequence[int],
    scores: dict[int, Float[np.ndarray, " token"]],
    left_out: dict[str, str],
) -> TokenScores:
    """All samples one after the other, with the text of every token."""
    tokenizer = model_tokenizer(model)
    decode, special = decoder(tokenizer), {*tokenizer.all_special_ids}
    order, text, ids = sorted(scores), list[str](), list[int]()
    for i in order:
        own = [*given.prompt_ids[i], *given.completion_ids[i]]
        found = TokenText.of(decode, own, start=first[i])
        text += [found.text[low:high] for low, high in zip(found.ends[:-1], found.ends[1:], strict=True)]
        ids += own[first[i] :]
    score = np.concatenate([scores[i] for i in order]) if order else np.zeros(0)
    platt = probe.platt
    return TokenScores(
        id=tuple(given.id),
        sample=np.repeat(np.array(order, dtype=np.int64), [len(scores[i]) for i in order]),
        token=np.concatenate([first[i] + np.arange(len(scores[i])) for i in order]) if order else np.zeros(0, int),
        token_id=np.array(ids, dtype=np.int64),
        text=tuple(text),
        special=np.array([token in special for token in ids], dtype=bool),
        score=score,
        probability=torch.sigmoid(platt.slope * torch.from_numpy(score) + platt.intercept).numpy(),
        layer=probe.layer,
        role=probe.role,
        left_out=left_out,
    )
