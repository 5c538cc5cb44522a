"""Sparse autoencoders as SAELens stores them: `cfg.json` beside `sae_weights.safetensors`, read without SAELens.

What a feature is follows SAELens 6 (https://decoderesearch.github.io/SAELens/): the pre-activations are
(x − b_dec) · W_enc + b_enc of the vector x at the hook point; they go through ReLU (`standard`), the k highest of them
(`topk`), or those that exceed a threshold (`jumprelu`).
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from interp.capturing.activations import Capture
from interp.errors import DataError
from interp.models.hook_places import place_of
from interp.support.arguments import whole_number

CONFIG, WEIGHTS = "cfg.json", "sae_weights.safetensors"
MOST_CONFIG, MOST_WEIGHTS = 1 << 20, 1 << 36
"""Bytes; a larger file is no SAE's, and is not read."""
ARCHITECTURES = ("standard", "topk", "jumprelu")
NORMS = ("none", "layer_norm", "constant_norm_rescale")


@dataclass(frozen=True)
class SparseAutoencoder:
    """One SAE, in float32."""

    folder: str
    architecture: str
    site: str
    """The site whose vectors it reads."""
    layer: int
    W_enc: Float[Tensor, "d_in feature"]
    W_dec: Float[Tensor, "feature d_in"]
    b_enc: Float[Tensor, " feature"]
    b_in: Float[Tensor, " d_in"]
    """What is taken off the vector first: the decoder's bias, or zero."""
    threshold: Float[Tensor, " feature"] | None
    k: int
    by_norm: bool
    """Whether pre-activations are multiplied by the length of the decoder's row before the highest are taken."""
    norm: str
    """How the vector is scaled first, one of `NORMS`."""

    @torch.inference_mode()
    def encode(self, x: Float[Tensor, "*sample d_in"]) -> Float[Tensor, "*sample feature"]:
        """The features of vectors; NaN in, NaN out."""
        x = x.float()
        if self.norm == "layer_norm":
            x = x - x.mean(-1, keepdim=True)
            x = x / (x.std(-1, keepdim=True) + 1e-5)
        elif self.norm == "constant_norm_rescale":
            x = x * (x.shape[-1] ** 0.5 / x.norm(dim=-1, keepdim=True))
        pre = (x - self.b_in) @ self.W_enc + self.b_enc
        if self.architecture == "topk":
            pre = pre * self.W_dec.norm(dim=-1) if self.by_norm else pre
            highest, at = pre.topk(self.k, dim=-1)
            return torch.zeros_like(pre).scatter(-1, at, highest.relu())
        return pre.relu() if self.threshold is None else pre.relu() * (pre > self.threshold)


def read_sae(folder: Path) -> SparseAutoencoder:
    """The SAE of a folder. Raises DataError for a file that is missing or damaged, and for a kind that is not known."""
    config, weights = _config(folder / CONFIG), _weights(folder / WEIGHTS)
    about = config["metadata"] if isinstance(config.get("metadata"), dict) else config  # before SAELens 6 it had none
    kind = config.get("architecture", "standard")
    kind = "topk" if kind == "standard" and config.get("activation_fn_str") == "topk" else kind
    kwargs = config.get("activation_fn_kwargs")
    k = config.get("k") or (kwargs.get("k") if isinstance(kwargs, dict) else None)
    norm = config.get("normalize_activations") or "none"
    if kind not in ARCHITECTURES or norm not in NORMS:
        raise DataError(
            f"{folder}: a SAE of the kind {kind!r} that normalises by {norm!r}; read are "
            f"{', '.join(ARCHITECTURES)} with {', '.join(NORMS)}: let SAELens save it as one of them (with the scaling "
            "folded in)"
        )
    hook = about.get("hook_name")
    if not isinstance(hook, str):
        raise DataError(f"{folder}: {CONFIG} names no hook point (`hook_name`), so that its vectors are not known")
    site, layer = place_of(hook)
    d_in, d_sae = (whole_number(f"{folder / CONFIG}: {name}", config.get(name), 1) for name in ("d_in", "d_sae"))
    k = whole_number(f"{folder / CONFIG}: k", k, 1, d_sae) if kind == "topk" else 0
    wanted = {"W_enc": (d_in, d_sae), "W_dec": (d_sae, d_in), "b_enc": (d_sae,), "b_dec": (d_in,)}
    wanted |= {"threshold": (d_sae,)} if kind == "jumprelu" else {}
    for name, shape in wanted.items():
        if name not in weights or tuple(weights[name].shape) != shape:
            got = tuple(weights[name].shape) if name in weights else "nothing"
            raise DataError(f"{folder}: expected {name} of shape {shape} in {WEIGHTS}, as {CONFIG} says, got {got}")
    return SparseAutoencoder(
        folder=str(folder),
        architecture=kind,
        site=site,
        layer=layer,
        W_enc=weights["W_enc"],
        W_dec=weights["W_dec"],
        b_enc=weights["b_enc"],
        b_in=weights["b_dec"] * float(bool(config.get("apply_b_dec_to_input", True))),
        threshold=weights.get("threshold") if kind == "jumprelu" else None,
        k=k,
        by_norm=bool(config.get("rescale_acts_by_decoder_norm", False)),
        norm=norm,
    )


def read_saes(folder: Path) -> list[SparseAutoencoder]:
    """The SAE of a folder, or those of its subfolders by layer: of one site, each layer once, equally many features."""
    if (folder / CONFIG).is_file() or not folder.is_dir():
        return [read_sae(folder)]
    saes = sorted((read_sae(path.parent) for path in sorted(folder.glob(f"*/{CONFIG}"))), key=lambda sae: sae.layer)
    if not saes:
        raise DataError(f"{folder}: expected a SAE of SAELens ({CONFIG}, {WEIGHTS}), or a subfolder for each layer's")
    kinds = {(sae.site, len(sae.b_enc)) for sae in saes}
    if len(kinds) > 1 or len({sae.layer for sae in saes}) < len(saes):
        raise DataError(
            f"{folder}: its SAEs are of {sorted((sae.site, sae.layer, len(sae.b_enc)) for sae in saes)} (site, layer, "
            "features); give those of one site, one for each layer, with equally many features"
        )
    return saes


def same_stream(site: str, layer: int) -> list[tuple[str, int]]:
    """Where else the same vectors stand: after a block is before the next."""
    other = {"resid_pre": [("resid_post", layer - 1)] * (layer > 0), "resid_post": [("resid_pre", layer + 1)]}
    return [(site, layer), *other.get(site, [])]


def vectors_of(cap: Capture, sae: SparseAutoencoder) -> tuple[str, int]:
    """Site and layer of a Capture that a SAE reads.

    Raises DataError where they were not captured, or have another width.
    """
    for site, layer in same_stream(sae.site, sae.layer):
        if site in cap.sites and layer in cap.layers:
            if cap.sites[site].shape[-1] != len(sae.b_in):
                raise DataError(
                    f"{sae.folder}: a SAE of vectors of width {len(sae.b_in)}, the Capture's are "
                    f"{cap.sites[site].shape[-1]} wide: it is another model's"
                )
            return site, layer
    raise DataError(
        f"{sae.folder}: a SAE of {sae.site} at layer {sae.layer}, which was not captured (there are "
        f"{', '.join(cap.sites)} at layers {', '.join(map(str, cap.layers))}); capture that site"
    )


def _config(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > MOST_CONFIG:
            raise DataError(f"{path}: is larger than a configuration can be, and is not read")
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{path}: expected the configuration of a SAE of SAELens, got {error}") from error
    if not isinstance(config, dict):
        raise DataError(f"{path}: expected the configuration of a SAE of SAELens, got a {type(config).__name__}")
    return config


def _weights(path: Path) -> dict[str, Tensor]:
    try:
        if path.stat().st_size > MOST_WEIGHTS:
            raise DataError(f"{path}: is larger than a SAE can be, and is not read")
        return {name: tensor.float() for name, tensor in load_file(path).items()}
    except (OSError, SafetensorError) as error:
        raise DataError(f"{path}: expected the weights of a SAE of SAELens, got {error}") from error
