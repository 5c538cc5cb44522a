"""A probe's direction beside the features of a sparse autoencoder: which of them it is nearest to."""

from pathlib import Path

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from scipy.stats import beta
from torch import Tensor

from interp.applying.fitted_probe import FittedProbe
from interp.capturing.sparse_autoencoder import read_sae, same_stream
from interp.errors import DataError
from interp.support.arguments import instance, whole_number
from interp.support.arguments import path as path_of
from interp.support.public import public


@public
def feature_cosines(probe: FittedProbe, folder: str | Path, *, limit: int | None = 20) -> pd.DataFrame:
    """The features of a SAE whose decoder lies nearest to the probe's direction, by the absolute cosine.

    `folder`: a SAE as SAELens stores it (`cfg.json`, `sae_weights.safetensors`), of the vectors that the probe reads.
    Columns: `feature` (its number), `decoder` and `encoder` (cosine of the direction with W_dec's row and W_enc's
    column; NaN of a zero vector), `p`, the share of directions drawn uniformly on the sphere whose decoder cosine is as
    large (cos² is Beta(1/2, (width − 1)/2)), and `p_corrected`, that of the largest among all features (Šidák). A
    stream is not spherical: a small p says that the direction is not arbitrary, not that the feature is what is read.

    Raises DataError for a SAE of another site, layer or width than the probe's.

    >>> from interp.demo import planted
    >>> from safetensors.torch import save_file
    >>> from pathlib import Path
    >>> import json, torch
    >>> cap, answers = planted()
    >>> probe = interp.fit_probe(cap, answers.correct, layer=1, role="exact_answer_last")
    >>> weights = {"W_dec": torch.eye(4, 8), "W_enc": torch.eye(8, 4), "b_enc": torch.zeros(4), "b_dec": torch.zeros(8)}
    >>> save_file(weights, "sae_weights.safetensors")  # a SAE of four features
    >>> config = {"d_in": 8, "d_sae": 4, "architecture": "standard", "hook_name": "blocks.1.hook_resid_post"}
    >>> _ = Path("cfg.json").write_text(json.dumps(config))
    >>> interp.feature_cosines(probe, ".", limit=2).columns.tolist()
    ['feature', 'decoder', 'encoder', 'p', 'p_corrected']
    """
    instance("probe", probe, FittedProbe, "it comes from fit_probe or load_probe")
    limit = None if limit is None else whole_number("limit", limit, 1)
    sae = read_sae(path_of("folder", folder))
    if (probe.site, probe.layer) not in same_stream(sae.site, sae.layer):
        raise DataError(
            f"{folder}: a SAE of {sae.site} at layer {sae.layer}, the probe reads {probe.site} at layer {probe.layer}; "
            "fit a probe there, or take that layer's SAE"
        )
    width = len(probe.direction)
    if width != len(sae.b_in):
        raise DataError(
            f"{folder}: a SAE of vectors of width {len(sae.b_in)}, the probe's have {width}: another model's"
        )
    decoder, encoder = _cosines(sae.W_dec, probe.unit), _cosines(sae.W_enc.T, probe.unit)
    p = beta.sf(np.minimum(decoder**2, 1.0), 0.5, (width - 1) / 2)
    corrected = -np.expm1(len(p) * np.log1p(-p))
    columns = {"feature": np.arange(len(p)), "decoder": decoder, "encoder": encoder, "p": p, "p_corrected": corrected}
    table = pd.DataFrame(columns)
    nearest = table["decoder"].abs().sort_values(ascending=False, kind="stable", na_position="last").index
    return table.loc[nearest[:limit]].reset_index(drop=True)


def _cosines(rows: Float[Tensor, "feature width"], unit: Float[Tensor, " width"]) -> Float[np.ndarray, " feature"]:
    length = rows.double().norm(dim=1)
    return torch.where(length > 0, rows.double() @ unit.double() / length, torch.nan).numpy()
