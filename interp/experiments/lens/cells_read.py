"""A Capture read through the lens: every cell of its samples, where its tokens stand, and how exact that is."""

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float, Int

from interp.capturing.activations import Capture
from interp.errors import DataError
from interp.experiments.lens.first_tokens import FirstTokens
from interp.experiments.lens.reading import Said, first_of_equal, read_vectors
from interp.labelling.answers import Answers
from interp.models.architecture import model_info
from interp.support.accepted import HookedModel

SITE = "resid_post"
PREDICTS, BEFORE, SEES, SOME = "predicts it", "before it", "sees it", "some see it"
"""What a column's tokens are to the exact answer's first token: the one before it, earlier ones, it or later ones."""


def check_captured(cap: Capture) -> None:
    """Raise DataError for a Capture without the site that the lens reads."""
    if SITE not in cap.sites:
        raise DataError(
            f"cap: the lens reads the residual stream after each block, and {SITE!r} was not captured (there are "
            f"{', '.join(cap.sites)}): capture it, sites=('{SITE}', …), or in a new run --site {SITE}"
        )


def check_fits(cap: Capture, model: HookedModel) -> None:
    """Raise DataError for a Capture of a model of another width, or with layers that this one lacks."""
    info, width = model_info(model), cap.sites[SITE].shape[-1]
    if width != info.d_model or max(cap.layers) >= info.n_layers:
        raise DataError(
            f"cap: its vectors have {width} numbers and its last layer is {max(cap.layers)}, the model has width "
            f"{info.d_model} and layers 0 to {info.n_layers - 1}; give the model that was captured"
        )


def read_capture(
    cap: Capture,
    members: Int[np.ndarray, " member"],
    model: HookedModel,
    tokens: FirstTokens,
    *,
    progress: Callable[[int], None] | None = None,
) -> Said:
    """Every cell of the samples at `members`, a layer at a time; behind the axes of `Said` stand layer and role."""
    shape = (len(members), len(cap.layers), len(cap.roles))
    asked = np.stack([tokens.given, tokens.right])
    valid, index = cap.valid[members], cap.index[members]
    said = Said.nothing(len(asked), shape)
    for layer in range(shape[1]):
        vectors = torch.as_tensor(cap.sites[SITE][members, layer])
        vectors = vectors.masked_fill(~valid[..., None], torch.nan)
        first = first_of_equal(vectors, index)
        sample, role = np.nonzero(first == np.arange(shape[2]))
        found = read_vectors(model, vectors[torch.from_numpy(sample), torch.from_numpy(role)], asked[:, sample])
        where = np.full((shape[0], shape[2]), -1)
        where[sample, role] = np.arange(len(sample))
        at = where[np.arange(shape[0])[:, None], first]
        for name in ("logprob", "rank", "top", "top_logprob"):
            getattr(said, name)[..., layer, :] = getattr(found, name)[..., at]
        if progress is not None:
            progress(1)
    return said


def place_of(offset: Float[np.ndarray, " sample"]) -> str:
    """Of a column, by where its tokens stand."""
    known = offset[np.isfinite(offset)]
    if not len(known):
        return ""
    if (known >= 0).any():
        return SEES if (known >= 0).all() else SOME
    return PREDICTS if (known == -1).all() else BEFORE


def precision(cap: Capture, model: HookedModel) -> dict[str, str]:
    """Numbers of the stored vectors, and those in which the model computes."""
    stored, own = (str(dtype).removeprefix("torch.") for dtype in (cap.sites[SITE].dtype, model_info(model).dtype))
    return {"stored_dtype": stored, "model_dtype": own}


def last_layer_deviation(
    logprob: Float[np.ndarray, "sample role"], offset: Float[np.ndarray, "sample role"], answers: Answers
) -> float:
    """The largest difference from the log-probability that the answers keep, where it is predicted.

    `logprob`: of the last layer. NaN where none is kept, or no column predicts it.
    """
    kept = np.full(len(offset), np.nan)
    for i, (span, own) in enumerate(zip(answers.exact_answer_tokens, answers.logprobs, strict=True)):
        if span is not None and own is not None:
            kept[i] = own[span[0] - len(answers.prompt_ids[i])]
    apart = np.abs(logprob - kept[:, None])[offset == -1]
    return float(np.max(apart[np.isfinite(apart)], initial=0.0)) if np.isfinite(apart).any() else float("nan")
