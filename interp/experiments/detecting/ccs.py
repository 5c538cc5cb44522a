"""Contrast-consistent search: a direction on which "correct: yes" and "correct: no" disagree (Burns et al. 2023)."""

from collections.abc import Sequence
from typing import Any
from weakref import ref

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from interp.capturing.layer_pass import LayerPass
from interp.errors import DataError
from interp.experiments.detecting.given import Detector, Given
from interp.labelling.answers import Answers
from interp.models.loading import HookedModel, model_info, model_tokenizer
from interp.models.sites import check_sites
from interp.statistics.auc import within_fold_auc
from interp.support.arguments import one_of
from interp.support.threads import one_thread

QUESTION, YES, NO = "\nIs this answer correct?", " Yes", " No"
"""What stands behind an answer; the last token of each statement is read."""
METHODS = ("ccs", "crc")
RESTARTS, STEPS, RATE, DECAY = 10, 1000, 1e-3, 1e-2
"""Those of the paper's code: restarts, epochs over all samples, AdamW's learning rate and weight decay."""

States = Float[np.ndarray, "sample width"]


def contrast_detectors(*, layer: int | None = None, batch_tokens: int = 8192) -> tuple[Detector, ...]:
    """`ccs` and `crc`: how true a direction finds it that the answer is correct, out of fold.

    Burns et al. 2023. The model reads every answer twice, with "Is this answer correct?" behind it and " Yes" or " No"
    (plain text behind the completion, whose last special tokens are left out); the states x⁺, x⁻ are those of the last
    token at `layer` (default: the last), at the site of `Given`. Both are standardised by themselves, so that the word
    is no feature.

    `ccs`: p = sigmoid(θ·x + b) with the least mean of (p(x⁺) − (1 − p(x⁻)))² + min(p(x⁺), p(x⁻))², by AdamW as in their
    code (1,000 steps over all samples, learning rate 0.001, weight decay 0.01), of ten restarts that with the least
    loss; the score is p(x⁺) − p(x⁻), which orders samples as the paper's (p(x⁺) + 1 − p(x⁻)) / 2. `crc`: the first
    principal component of x⁺ − x⁻ (their contrastive representation clustering); the score is the projection on it.

    Scaling and direction are fitted on the other folds, without labels. Which end of the direction is "correct" cannot
    be known without labels: the paper takes the better one; here the labels of the training folds choose it, for each
    fold anew, so that they never see the sample. Hence both count as trained.

    NaN where the text is longer than the model's context. Raises DataError where there is no model, or the folds leave
    nothing to fit.
    """
    held: dict[str, Any] = {}
    """The states of the samples that were last asked for: both detectors read the same."""

    def detector(method: str) -> Detector:
        def score(given: Given) -> Float[np.ndarray, " sample"]:
            if "given" not in held or held["given"]() is not given:
                at = model_info(given.model).n_layers - 1 if layer is None else layer
                held["states"] = contrast_states(
                    given.model, given.answers, layer=at, site=given.site, batch_tokens=batch_tokens
                )
                held["given"] = ref(given)
            yes, no = held["states"]
            return held_out_scores(yes, no, given.samples.y, given.samples.fold, method=method, seed=given.seed)

        return Detector(method, "contrast", score, trained=True)

    return tuple(map(detector, METHODS))


def contrast_states(
    model: HookedModel, answers: Answers, *, layer: int, site: str, batch_tokens: int = 8192
) -> tuple[States, States]:
    """The states of the last token behind " Yes" and behind " No"; NaN where the text does not fit the context.

    A prompt with its answer runs once for both.
    """
    info, tokenizer = model_info(model), model_tokenizer(model)
    one_of("layer", layer, range(info.n_layers))
    check_sites(model, [site])
    special = {*tokenizer.all_special_ids}

    def ids(text: str) -> list[int]:
        return list(tokenizer(text, add_special_tokens=False)["input_ids"])

    asked, words = ids(QUESTION), [ids(YES), ids(NO)]
    prompts, completions = [], []
    for prompt, completion in zip(answers.prompt_ids, answers.completion_ids, strict=True):
        end = len(completion)
        while end and completion[end - 1] in special:
            end -= 1
        prompts += [[*prompt, *completion[:end], *asked]] * 2
        completions += words
    length = [len(prompt) + len(word) for prompt, word in zip(prompts, completions, strict=True)]
    passes: LayerPass[Float[np.ndarray, " width"]] = LayerPass(
        model,
        prompts,
        completions,
        site=site,
        layer=layer,
        first=[n - 1 for n in length],
        usable=[i for i, n in enumerate(length) if n <= info.n_ctx and answers.status[i // 2] != "too_long"],
        batch_tokens=batch_tokens,
    )
    found = passes(lambda sample, vectors: vectors[-1].cpu().double().numpy())
    if not found:
        raise DataError("ccs: no answer fits the model's context with the question behind it")
    states = np.full((len(length), len(next(iter(found.values())))), np.nan)
    for i, vector in found.items():
        states[i] = vector
    return states[::2], states[1::2]


@one_thread()
def held_out_scores(
    yes: States,
    no: States,
    y: Int[np.ndarray, " sample"],
    fold: Int[np.ndarray, " sample"],
    *,
    method: str = "ccs",
    seed: int = 0,
) -> Float[np.ndarray, " sample"]:
    """Every sample's score by the direction of the other folds; its end is chosen by their labels."""
    used, score = np.isfinite(yes).all(1) & np.isfinite(no).all(1), np.full(len(y), np.nan)
    yes, no, y, fold, folds = yes[used], no[used], y[used], fold[used], np.unique(fold[used]).tolist()
    for f in folds:
        if len(np.unique(y[fold != f])) < 2:
            raise DataError(f"ccs: the training part of fold {f} has one class only: no end can be chosen")
    found = _DIRECTIONS[method](yes, no, [fold != f for f in folds], [[seed, f] for f in folds])
    kept = np.full(len(y), np.nan)
    for f, one in zip(folds, found, strict=True):
        part = fold != f
        right = float(within_fold_auc(one[part], y[part], np.zeros(int(part.sum()), dtype=np.int64)))
        kept[~part] = (one if right >= 0.5 else -one)[~part]
    score[used] = kept
    return score


Parts = Sequence[Bool[np.ndarray, " sample"]]
"""The training samples of every fold."""


def _scaling(x: States, parts: Parts) -> tuple[Float[np.ndarray, "part width"], Float[np.ndarray, "part width"]]:
    """Mean of every part and one over its standard deviation; 0 for a column that does not vary there."""
    mean, scale = (np.stack([of(x[part], axis=0) for part in parts]) for of in (np.mean, np.std))
    varies = scale > 1e-12 * np.abs(x).max(0)
    return mean, np.divide(1.0, scale, out=np.zeros_like(scale), where=varies)


def _ccs(yes: States, no: States, parts: Parts, seeds: Sequence[Sequence[int]]) -> list[Float[np.ndarray, " sample"]]:
    """p(x⁺) − p(x⁻) of every sample for each part, by the restart with the least loss on it.

    All parts and restarts step together, so that the states are read once a step: each part's scaling is put on its
    directions (θ / s in the states' own units, the mean in the bias), its gradient divided by it again.
    """
    width, n = yes.shape[1], [int(part.sum()) for part in parts]
    bound, starts = 1 / np.sqrt(width), [np.random.default_rng(seed) for seed in seeds]
    drawn = [(of.uniform(-bound, bound, (width, RESTARTS)), of.uniform(-bound, bound, RESTARTS)) for of in starts]
    theta = torch.from_numpy(np.concatenate([one.T for one, _ in drawn]))
    bias = torch.from_numpy(np.concatenate([one for _, one in drawn]))
    optimiser = torch.optim.AdamW([theta, bias], lr=RATE, weight_decay=DECAY)
    weight = torch.from_numpy(np.repeat([part / size for part, size in zip(parts, n, strict=True)], RESTARTS, axis=0))
    states = []
    for x in (yes, no):
        x = x - x.mean(0)  # near 0, so that a large constant takes no digits
        mean, scale = (torch.from_numpy(np.repeat(one, RESTARTS, axis=0)) for one in _scaling(x, parts))
        states.append((torch.from_numpy(x), mean, scale))

    def probabilities() -> list[Tensor]:
        out = []
        for x, mean, scale in states:
            turned = theta * scale
            out.append(torch.addmm((bias - (turned * mean).sum(1))[:, None], turned, x.T).sigmoid_())
        return out

    for _ in range(STEPS):  # gradients written out: autograd costs several times as much
        p, q = probabilities()
        inconsistent = (p + q).sub_(1)
        by_theta, by_bias = torch.zeros_like(theta), torch.zeros_like(bias)
        for own, other, (inputs, centre, inverse) in ((p, q, states[0]), (q, p, states[1])):
            slope = torch.addcmul(inconsistent, own, own < other).mul_(own).mul_(1 - own).mul_(weight).mul_(2)
            total = slope.sum(1)
            by_theta += (slope @ inputs).sub_(total[:, None] * centre).mul_(inverse)
            by_bias += total
        theta.grad, bias.grad = by_theta, by_bias
        optimiser.step()
    p, q = probabilities()
    loss = (((p + q - 1) ** 2 + torch.minimum(p, q) ** 2) * weight).sum(1).reshape(len(parts), RESTARTS)
    best = torch.arange(len(parts)) * RESTARTS + loss.argmin(1)
    return list((p - q)[best].numpy())


def _crc(yes: States, no: States, parts: Parts, seeds: Sequence[Sequence[int]]) -> list[Float[np.ndarray, " sample"]]:
    """Projection of x⁺ − x⁻ on its first principal component over each part."""
    found = []
    scaled = [(x, *_scaling(x, parts)) for x in (yes, no)]
    for k, part in enumerate(parts):
        one, other = ((x - mean[k]) * scale[k] for x, mean, scale in scaled)
        difference = one - other
        found.append(difference @ np.linalg.svd(difference[part], full_matrices=False)[2][0])
    return found


_DIRECTIONS = {"ccs": _ccs, "crc": _crc}

CONTRASTS = contrast_detectors()
