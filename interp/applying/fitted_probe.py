"""One probe of one cell, fitted for use: on new vectors, or its direction added or projected out in hooks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import torch
import xarray as xr
from jaxtyping import Float
from torch import Tensor

from interp.applying.cell_vectors import cell_vectors
from interp.applying.direction_hooks import Hook, Where, ablated, added
from interp.applying.platt import Platt
from interp.applying.probe_arrays import probe_dataset, probe_row
from interp.applying.probe_html import fitted_probe_html
from interp.applying.token_scores import TokenScores
from interp.capturing.activations import Capture
from interp.errors import DataError
from interp.grids.of_run import RunLike
from interp.models.loading import hook_name
from interp.support.accepted import AnswersOrTexts, ControlTable, FoldNumbers, HookedModel, Vectors
from interp.support.arguments import number
from interp.support.arguments import path as path_of
from interp.support.arrays import read_array
from interp.support.messages import shown
from interp.support.public import public


@public
@dataclass(frozen=True)
class FittedProbe:
    """A linear probe of the vectors at one layer and role; score = direction · x + bias, x as the model computes it.

    The scaling of the training samples is inside `direction` and `bias`; `mean` and `scale` say what it was.

    >>> from interp.demo import planted
    >>> cap, answers = planted()
    >>> probe = interp.fit_probe(cap, answers.correct, layer=1, role="exact_answer_last")
    >>> probe.score(cap).shape, probe.hook_point
    (torch.Size([100]), 'blocks.1.hook_resid_post')
    """

    direction: Float[Tensor, " width"]
    """Weights on the vector as the model computes it; the score rises along it."""
    bias: float
    """The score of the zero vector."""
    mean: Float[Tensor, " width"]
    """Mean of the training samples."""
    scale: Float[Tensor, " width"]
    """Their standard deviation (ddof 0)."""
    fold_direction: Float[Tensor, "fold width"]
    """The probes that were scored: the i-th was fitted without the i-th fold."""
    fold_bias: Float[Tensor, " fold"]
    """Their biases."""
    layer: int
    """The number of the block, from 0."""
    role: str
    """The token position."""
    site: str
    """The hook point whose vectors it reads, as `resid_post`."""
    probe: str
    """The estimator."""
    model: str
    """SHA-256 of the model's weights, as in `run.json`; empty if not known."""
    protocol: Mapping[str, Any]
    """`C`, `folds`, `seed`, `population`, `min_per_class`, and how many samples it was fitted on (`n`, `n_correct`)."""
    auc: float
    """Out of fold, with its 95 % interval."""
    low: float
    """Where the interval begins."""
    high: float
    """Where it ends."""
    platt: Platt
    """From score to P(correct), fitted on the out-of-fold scores."""
    thresholds: Mapping[str, float] = field(default_factory=dict)
    """{false-positive rate: score above which an answer is believed} (`interp.applying.operating`)."""

    def __repr__(self) -> str:
        """In one line: which cell, which estimator, how good."""
        return (
            f"FittedProbe({self.probe} on {self.site}, layer {self.layer}, {self.role}, width {len(self.direction)}; "
            f"AUC {self.auc:.3f} [{self.low:.3f}, {self.high:.3f}])"
        )

    def _repr_html_(self) -> str:
        """In a notebook: the cell, how good the probe is, and its thresholds."""
        return fitted_probe_html(self)

    def to_dataframe(self) -> pd.DataFrame:
        """One row: the cell, the AUC with its interval, how it was fitted, its thresholds; `pd.concat` for several."""
        return probe_row(self)

    def to_xarray(self) -> xr.Dataset:
        """`direction`, `mean`, `scale` on width, `bias`, `fold_direction`, `fold_bias` on fold; the cell in `attrs`."""
        return probe_dataset(self)

    @property
    def hook_point(self) -> str:
        """Name of the hook point whose vectors the probe reads."""
        return hook_name(self.site, self.layer)

    @property
    def unit(self) -> Float[Tensor, " width"]:
        """The direction at length 1."""
        return self.direction / self.direction.norm()

    def score(self, data: Vectors) -> Float[Tensor, "*sample"]:
        """Decision values, float64; positive: more like a correct answer. NaN where a sample lacks the role.

        `data`: a Run or a Capture, whose cell of this probe's site, layer and role is read, or bare vectors of that
        cell, `[..., width]`. On samples that the probe was fitted on the scores are no test: the grid has those out of
        fold. Raises DataError if site, layer, role, width or (for a Run) the model are not the probe's.
        """
        x = self._vectors(data).detach().cpu().double()
        if x.ndim == 0 or x.shape[-1] != len(self.direction):
            raise DataError(f"probe: expected vectors of width {len(self.direction)}, got shape {tuple(x.shape)}")
        return x @ self.direction + self.bias

    def probability(self, data: Vectors) -> Float[Tensor, "*sample"]:
        """P(correct) by Platt's sigmoid of the score; arguments and errors as in `score`.

        >>> from interp.demo import planted
        >>> cap, answers = planted()
        >>> probe = interp.fit_probe(cap, answers.correct, layer=1, role="exact_answer_last")
        >>> probe.probability(cap).round(decimals=2)[:3]
        tensor([0.1900, 0.0000, 0.1700], dtype=torch.float64)
        """
        return torch.sigmoid(self.platt.slope * self.score(data) + self.platt.intercept)

    def score_tokens(
        self,
        model: HookedModel,
        answers: AnswersOrTexts,
        *,
        tokens: str = "completion",
        fold: FoldNumbers | None = None,
        batch_tokens: int = 8192,
    ) -> TokenScores:
        """The score at every token of the samples' completions, or of all their tokens, from one forward pass.

        At the probe's own role it is `score` of a Capture, up to the rounding of another batch. At every other token it
        is an extrapolation: the probe was fitted, and its AUC measured, at that role alone. `answers` keep their ids; a
        text is tokenised as a prompt is, all of it counts as completion. Samples with a number in `fold` are scored by
        the probe that was fitted without that fold, so that they are held out; without `fold`, or with -1, by the probe
        of all samples. Vectors are reduced in the hook, the pass ends at the probe's layer, shared prompts run once.

        Raises DataError for a model with other weights than the probe's, or a fold that the probe does not have;
        ModelError where the architecture lacks the site.

        >>> from interp.demo import answered
        >>> model, answers = answered(24)
        >>> cap = interp.capture(model, answers, interp.resolve_positions(answers))
        >>> probe = interp.fit_probe(cap, answers.correct, layer=4, role="exact_answer_last", min_per_class=2)
        >>> scores = probe.score_tokens(model, answers[:2])
        >>> first, last = answers.exact_answer_tokens[1]
        >>> own = scores.score[(scores.sample == 1) & (scores.token == last)]
        >>> bool(abs(own - probe.score(cap)[1].numpy()) < 1e-3)
        True
        """
        from interp.applying.token_pass import score_tokens

        return score_tokens(self, model, answers, tokens=tokens, fold=fold, batch_tokens=batch_tokens)

    def save_pretrained(
        self, folder: str | Path, *, controls: ControlTable | None = None, base_model: str = ""
    ) -> Path:
        """Write a folder that can be put on a hub; returns it. RunError if it cannot be written.

        `model.safetensors` and `config.json` as `save_probe` writes them, and `README.md`, a model card: the cell, n,
        folds, the AUC with its interval, and the `controls` of that cell (what `control_grid` returned, its `table()`,
        or a Run); without them the card says that there are none. `base_model` names the model, as its hub does.

        Raises DataError for controls of another cell.

        >>> from interp.demo import planted
        >>> cap, answers = planted()
        >>> probe = interp.fit_probe(cap, answers.correct, layer=1, role="exact_answer_last")
        >>> folder = probe.save_pretrained("truth-probe", base_model="org/model")
        >>> sorted(path.name for path in folder.iterdir())
        ['README.md', 'config.json', 'model.safetensors']
        """
        from interp.applying.probe_card import save_pretrained

        return save_pretrained(self, folder, controls, base_model)

    @classmethod
    def from_pretrained(cls, folder: str | Path) -> "FittedProbe":
        """The probe of a local folder that `save_pretrained` wrote; as safe as `load_probe`, and with its errors.

        >>> from interp.demo import planted
        >>> cap, answers = planted()
        >>> probe = interp.fit_probe(cap, answers.correct, layer=1, role="exact_answer_last")
        >>> interp.FittedProbe.from_pretrained(probe.save_pretrained("truth-probe")).role
        'exact_answer_last'
        """
        from interp.applying.probe_format import CONFIG, WEIGHTS, read_probe

        where = path_of("folder", folder)
        if not where.is_dir():
            raise DataError(f"{where}: expected a folder on this disk; one on a hub is downloaded first")
        return read_probe(cls, where / WEIGHTS, where / CONFIG)

    def steer(self, alpha: float, *, position: Where = slice(None)) -> Hook:
        """A hook that adds `alpha` times the unit direction: the score rises by `alpha * direction.norm()`.

        `model.run_with_hooks(tokens, fwd_hooks=[probe.steer(4.0)])`. `position`: a slice or an index of tokens for all
        samples (default: every token), or one token for each sample.

        >>> from interp.demo import planted
        >>> cap, answers = planted()
        >>> probe = interp.fit_probe(cap, answers.correct, layer=1, role="exact_answer_last")
        >>> name, hook = probe.steer(4.0)
        >>> vectors = cap.resid[:, 1]  # what the hook is given at layer 1: sample token width
        >>> moved = probe.score(hook(vectors, None)) - probe.score(vectors)
        >>> bool((moved / probe.direction.norm() - 4).abs().max() < 1e-3), name
        (True, 'blocks.1.hook_resid_post')
        """
        return added(self.hook_point, self.direction, number("alpha", alpha), position)

    def ablate(self, *, position: Where = slice(None)) -> Hook:
        """A hook that projects the direction out of the vectors: the score there is `bias` for every sample.

        >>> from interp.demo import planted
        >>> cap, answers = planted()
        >>> probe = interp.fit_probe(cap, answers.correct, layer=1, role="exact_answer_last")
        >>> name, hook = probe.ablate()
        >>> left = probe.score(hook(cap.resid[:, 1], None))
        >>> bool((left - probe.bias).abs().max() < 1e-3)
        True
        """
        return ablated(self.hook_point, self.direction, position)

    def _vectors(self, data: Any) -> Tensor:
        if isinstance(data, RunLike):
            theirs = str(data.record["model"]["weights_sha256"])
            if self.model and theirs != self.model:
                raise DataError(
                    f"probe: fitted on a model with weights {self.model[:12]}…, but the run's are {theirs[:12]}…; "
                    "a direction means nothing in another model's space"
                )
            data = data.capture
        if isinstance(data, Capture):
            return cell_vectors(data, layer=self.layer, role=self.role, site=self.site)
        vectors = read_array("probe", data)
        if vectors.dtype.kind not in "biuf":
            raise DataError(f"probe: expected a Run, a Capture or vectors [..., width], got {shown(data)}")
        return torch.as_tensor(vectors)
