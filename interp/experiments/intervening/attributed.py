"""Attribution patching: what every edit would do if the model were linear, from one pass forth and back for each text.

Nanda 2023, "Attribution Patching"; the gradient is taken at the recipient's own states.
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from jaxtyping import Float

from interp.experiments.intervening.edited_pass import CleanTexts
from interp.experiments.intervening.outcome import Readings
from interp.experiments.intervening.patched import MEMORY, Put, Runs
from interp.models.loading import HookedModel, model_info

HELD = 24
"""Numbers of the stream's width that a layer keeps of a token for the way back, about."""


def attributed(
    model: HookedModel,
    runs: Runs,
    site: str,
    layers: Sequence[int],
    puts: Sequence[Put],
    *,
    progress: Callable[[int], None] | None = None,
) -> tuple[Float[np.ndarray, " run"], Float[np.ndarray, "put run layer role"]]:
    """The outcome of every run as it is, and with each of `puts` to first order; NaN where not reached."""
    info = model_info(model)
    base = np.full(len(runs), np.nan)
    changed = np.full((len(puts), len(runs), len(layers), runs.token.shape[1]), np.nan)
    size = [sum(len(one.text.ids) - one.text.first for one in asked) for asked in runs.asked]
    order = np.argsort(size, kind="stable").tolist()
    most = max(1, MEMORY // (4 * HELD * info.d_model * info.n_layers))
    while order:
        some = [order.pop(0)]
        while order and size[order[0]] * (len(some) + 1) <= most:
            some.append(order.pop(0))
        base[some], changed[:, some] = _of_some(model, runs, some, site, layers, puts)
        if progress is not None:
            for _ in some:
                progress(1)
    return base, changed


def _of_some(
    model: HookedModel, runs: Runs, some: list[int], site: str, layers: Sequence[int], puts: Sequence[Put]
) -> tuple[Float[np.ndarray, " run"], Float[np.ndarray, "put run layer role"]]:
    readings = Readings(model, [runs.asked[i] for i in some])
    clean, whole = CleanTexts(model, readings.texts), np.arange(len(readings.texts))
    base, seen = np.zeros(len(some)), []

    def value(final: torch.Tensor) -> torch.Tensor:
        seen.append(readings.values(whole, final))
        return seen[0]

    states = clean.gradients(site, layers, value)
    np.add.at(base, readings.sample, seen[0].detach().cpu().numpy())
    text, role = np.nonzero(runs.reached[some][readings.sample])
    run = readings.sample[text]
    length = np.array([len(one.ids) for one in readings.texts])
    at = clean.width - (length[text] - runs.token[some][run, role])
    reached = np.where(runs.reached[some], base[:, None], np.nan)
    out = np.repeat(np.repeat(reached[None, :, None], len(layers), axis=2), len(puts), axis=0)
    place = np.array(some)[run]
    for k, (own, gradient) in enumerate(states):
        where = torch.from_numpy(text).to(own.device), torch.from_numpy(at).to(own.device)
        mine, slope = own[where], gradient[where]
        for p, put in enumerate(puts):
            step = put(place, role, layers[k], mine) - mine
            np.add.at(out[p, :, k], (run, role), (step.double() * slope.double()).flatten(1).sum(1).cpu().numpy())
    return base, out
