"""Capture: residual vectors and attention metrics at the resolved positions, as one forward pass left them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
import xarray as xr
from jaxtyping import Bool, Float, Int
from torch import Tensor

from interp.capturing.axes import check_axes
from interp.capturing.capture_html import capture_html
from interp.capturing.labelled_arrays import capture_dataset
from interp.capturing.on_disk import OnDisk
from interp.errors import DataError
from interp.support.accepted import AttentionArrays, EmbedArray, QuestionArray, SiteArrays
from interp.support.arguments import instance, one_of, several_texts, whole_numbers
from interp.support.messages import shown
from interp.support.public import public
from interp.support.sample_key import chosen_samples

SITES = ("resid_post", "resid_pre", "resid_mid", "attn_out", "mlp_out", "mlp_post", "z")


@public
@dataclass(frozen=True)
class Capture:
    """What one forward pass left behind; entries of absent roles are NaN, masked by `valid`.

    >>> from interp.demo import planted
    >>> cap, answers = planted()
    >>> cap
    Capture(100 samples, 3 layers, 6 roles; sites: resid_post; attention metrics: entropy, to_self)
    """

    sites: SiteArrays
    """{site: Float[Tensor, "sample layer role width"]} in the model's dtype (`z` has its heads side by side).

    In the Capture of a run folder these arrays, `embed` and `attention` are `Stored` (storing/stored_capture.py):
    they are indexed alike, and read from the disk what is asked for."""
    embed: EmbedArray | None
    """Float[Tensor, "sample role d_model"]: the residual stream before the first block (the embedding), the control
    row of the grid; None if a cache did not hold it."""
    attention: AttentionArrays
    """{metric: Float[Tensor, "sample layer head role"]}, float32; empty if a cache held no patterns."""
    valid: Bool[Tensor, "sample role"]
    """Whether the sample has the role."""
    index: Int[Tensor, "sample role"]
    """The role's token in `prompt_ids + completion_ids`, of a pooled role its last; read it only through `valid`."""
    layers: tuple[int, ...]
    """Numbers of the blocks, from 0."""
    roles: tuple[str, ...]
    """Names of the token positions."""
    id: tuple[str, ...]
    """Names of the samples."""
    settings: dict[str, object] = field(default_factory=dict)
    """How they were captured."""
    question_embed: QuestionArray | None = None
    """Float[Tensor, "sample d_model"], float32: the mean input embedding of the question's own tokens, a control (NaN
    where the question was not located); None if it was not taken, as from a cache."""

    def __post_init__(self) -> None:
        """Raise DataError for arrays whose axes are not those that the labels name."""
        object.__setattr__(self, "layers", whole_numbers("layers", self.layers))
        for name in ("roles", "id"):
            object.__setattr__(self, name, several_texts(name, getattr(self, name), one=False))
        sizes = (len(self.id), len(self.layers), len(self.roles))
        check_axes(self.sites, self.embed, self.attention, self.valid, self.index, sizes)

    def _by_name(self) -> list[Any]:
        """Every array of sites and metrics, whatever the order they were captured in."""
        return [of[name] for of in (self.sites, self.attention) for name in sorted(of)]

    @property
    def resid(self) -> Float[Tensor | OnDisk, "sample layer role d_model"]:
        """The residual stream after each block (site `resid_post`)."""
        return self.sites[captured_site(self, "resid_post")]

    def __len__(self) -> int:
        return len(self.id)

    def __getitem__(self, samples: Any) -> "Capture":
        """The Capture of some samples, in that order: a slice, indices, a mask; a number gives that one sample's.

        The arrays of a run folder stay on the disk. Raises DataError for a key that names no samples.
        """
        places = chosen_samples(samples, len(self))

        def part(values: Any) -> Any:
            return values.of_samples(places) if hasattr(values, "of_samples") else values[places]

        return replace(
            self,
            sites={site: part(values) for site, values in self.sites.items()},
            embed=None if self.embed is None else part(self.embed),
            attention={metric: part(values) for metric, values in self.attention.items()},
            valid=self.valid[places],
            index=self.index[places],
            id=tuple(self.id[i] for i in places),
            question_embed=None if self.question_embed is None else part(self.question_embed),
        )

    @classmethod
    def concat(cls, parts: Sequence["Capture"]) -> "Capture":
        """The samples of several captures (batches of one data set) one after the other, in memory.

        Raises DataError for no part, parts with other sites, metrics, layers or roles, or an id that stands in two.

        >>> from interp.demo import planted
        >>> cap, answers = planted()
        >>> len(interp.Capture.concat([cap[:40], cap[40:]]).id)
        100
        """
        if isinstance(parts, Capture) or not isinstance(parts, Sequence):
            raise DataError(f"captures: expected a list of Captures, got {shown(parts)}")
        for part in parts:
            instance("captures", part, Capture, "they come from interp.capture or capture_from_cache")
        if not parts:
            raise DataError("captures: expected at least one to concatenate, got none")
        axes = [
            ({*p.sites}, {*p.attention}, p.layers, p.roles, p.embed is None, [v.shape[1:] for v in p._by_name()])
            for p in parts
        ]
        if other := [number for number, axis in enumerate(axes) if axis != axes[0]]:
            raise DataError(
                f"captures: number {other[0]} has other sites, attention metrics, layers or roles than number 0: "
                f"{parts[other[0]]} against {parts[0]}; capture all batches alike"
            )
        ids = tuple(name for part in parts for name in part.id)
        if twice := [name for name, count in Counter(ids).items() if count > 1]:
            raise DataError(
                f"captures: {len(twice)} ids stand in more than one, first {twice[0]!r}; ids must be unique "
                "(capture_from_cache takes ids=)"
            )

        def joined(values: Sequence[Any]) -> Tensor:
            return torch.cat([value[:] for value in values])

        def questions() -> Tensor | None:
            """Unknown (NaN) for the samples of a part that has none."""
            width = next((part.question_embed.shape[-1] for part in parts if part.question_embed is not None), None)
            if width is None:
                return None
            unknown = [torch.full((len(part.id), width), torch.nan) for part in parts]
            has = zip(parts, unknown, strict=True)
            return joined([nothing if part.question_embed is None else part.question_embed for part, nothing in has])

        first = parts[0]
        return replace(
            first,
            sites={site: joined([part.sites[site] for part in parts]) for site in first.sites},
            embed=None if first.embed is None else joined([part.embed for part in parts]),
            attention={metric: joined([part.attention[metric] for part in parts]) for metric in first.attention},
            valid=joined([part.valid for part in parts]),
            index=joined([part.index for part in parts]),
            id=ids,
            question_embed=questions(),
        )

    def to_xarray(self, names: str | Sequence[str] | None = None) -> xr.Dataset:
        """The arrays as one Dataset, in memory, under the labels of grids; absent roles hold NaN, `position` -1 there.

        Sites are on (sample, layer, token, d_model) (`mlp_post` d_mlp, `z` d_heads), attention metrics on (sample,
        layer, head, token), where `token` holds the roles; bfloat16, which NumPy lacks, becomes float32. `names`: sites
        and metrics, `embed`, `question_embed`; None: all. Of a run folder ask for few, or few samples: `cap[:100]`.

        Raises DataError for a name that was not captured.

        >>> from interp.demo import planted
        >>> cap, answers = planted()
        >>> cap.to_xarray("entropy").entropy.mean("head").dims
        ('sample', 'layer', 'token')
        """
        return capture_dataset(self, names)

    def __repr__(self) -> str:
        """In one line: how much of what there is."""
        return (
            f"Capture({len(self.id)} samples, {len(self.layers)} layers, {len(self.roles)} roles; "
            f"sites: {', '.join(self.sites)}; attention metrics: {', '.join(self.attention) or 'none'})"
        )

    def _repr_html_(self) -> str:
        """In a notebook: axes, arrays and their sizes; none of them is read."""
        return capture_html(self)


def captured_site(cap: Capture, site: Any) -> str:
    """A site of a Capture. Raises DataError, with those that there are, for one that was not captured."""
    if isinstance(site, str) and site in SITES and site not in cap.sites:
        raise DataError(f"site: {site!r} was not captured (there are {', '.join(cap.sites)}); capture it first")
    return one_of("site", site, cap.sites)


def read_sites(sites: str | Sequence[str]) -> tuple[str, ...]:
    """The names of the sites, of which one may be given bare. Raises DataError for an unknown one, or none at all."""
    found = several_texts("sites", sites)
    if not found:
        raise DataError("sites: expected at least one")
    for site in found:
        meant = site.rpartition("hook_")[2]
        if meant != site and meant in SITES:
            raise DataError(f"sites: {site!r} is a hook point of one layer, a site is captured at all: write {meant!r}")
        one_of("sites", site, SITES)
    return found
