"""The way from the last residual stream to a token's logit as one linear map, the final norm's scale held fixed.

Nothing is taken from a class's name: the norm's gain, its bias and whether it centres are found by vectors that are put
through it, and the whole is compared with the model's own logits before it is used.
"""

from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float, Int
from torch import Tensor

from interp.errors import ModelError
from interp.models.backends.backend import LastModules
from interp.models.backends.kinds import backend_of
from interp.models.deviation import tolerance_of
from interp.support.accepted import HookedModel

LARGE = 1e3
"""Size of the vectors put through the norm: its epsilon is nothing beside their square."""
CHECKED = 4096
"""Tokens, spread over the vocabulary, whose logits are compared."""
SATURATED = 0.9
"""Share of the softcap from which on a logit says little of what it was before."""


@dataclass(frozen=True)
class Readout:
    """logit_t(x) = rows(t) · x / scale(x) + constant(t), before the softcap; float64, on the CPU."""

    modules: LastModules
    gain: Float[Tensor, " d_model"]
    shift: Float[Tensor, " d_model"]
    """The norm's bias."""
    centred: bool
    """Whether the norm takes away the mean: a LayerNorm."""
    factor: float
    """What the logits are multiplied by behind the unembedding (Cohere, Granite)."""
    tolerance: float

    @classmethod
    @torch.inference_mode()
    def of(cls, model: HookedModel, streams: Float[Tensor, "token d_model"]) -> "Readout":
        """Raises ModelError unless it gives the model's own logits of these vectors of the last residual stream."""
        backend = backend_of(model)
        modules, info = backend.last_modules, backend.first_weight
        if modules is None:
            raise ModelError(
                f"{backend.architecture}: its final norm and unembedding cannot be told apart (quantised, or of "
                "another shape), so that no part of the stream has a logit of its own"
            )
        tolerance = tolerance_of(info.dtype)
        width = modules.weight.shape[1]
        signs = torch.ones(width, dtype=torch.float64)
        signs[1::2] = -1
        if width % 2:
            raise ModelError(f"{backend.architecture}: expected an even width, got {width}")

        def normed(vector: Tensor) -> Tensor:
            return modules.norm(vector.to(info)[None, None])[0, 0].double().cpu()

        shift = normed(torch.zeros(width))
        raw = normed(LARGE * signs) - shift
        moved = normed(LARGE * signs + LARGE) - shift
        centred = bool((moved - raw).abs().max() <= tolerance * raw.abs().max())
        found = cls(modules, raw * signs, shift, centred, 1.0, tolerance)
        tokens = torch.linspace(0, len(modules.weight) - 1, min(len(modules.weight), CHECKED)).long()
        own = backend.unembed(streams.to(info))[:, tokens.to(info.device)].double().cpu()
        logits, before = found.logits(streams, tokens), own
        if modules.softcap is not None:
            share = own / modules.softcap
            share[share.abs() > SATURATED] = torch.nan
            before = modules.softcap * torch.atanh(share)
        kept = before.isfinite()
        factor = float(logits[kept] @ before[kept] / (logits[kept] @ logits[kept])) if kept.any() else 1.0
        found = cls(modules, found.gain, shift, centred, factor, tolerance)
        if not (found.capped(factor * logits) - own).abs().max() <= 10 * tolerance * own.abs().max():
            raise ModelError(
                f"{backend.architecture}: its logits are not a norm, an unembedding, a scale and a softcap of the last "
                "residual stream, so that no part of the stream has a logit of its own"
            )
        return found

    @torch.no_grad()
    def scale(self, streams: Float[Tensor, "token d_model"]) -> Float[Tensor, " token"]:
        """What the norm divides each vector by."""
        plain = self._centred(streams.double().cpu()) * self.gain
        like = self.modules.weight
        normed = self.modules.norm(streams.to(like)[None])[0].double().cpu() - self.shift
        return (plain * plain).sum(-1) / (plain * normed).sum(-1)

    def rows(self, tokens: Int[Tensor, " token"]) -> Float[Tensor, "token d_model"]:
        """What a component is multiplied with, over the stream's scale, to give what it adds to a token's logit."""
        weight = self.modules.weight
        return self._row(weight[tokens.to(weight.device)].double().cpu())

    @cached_property
    def mean_row(self) -> Float[Tensor, " d_model"]:
        """The mean of `rows` over the whole vocabulary."""
        return self._row(self.modules.weight.mean(0, dtype=torch.float64).cpu())

    def constant(self, tokens: Int[Tensor, " token"]) -> Float[Tensor, " token"]:
        """What biases add to a token's logit."""
        weight, bias = self.modules.weight, self.modules.bias
        own = weight[tokens.to(weight.device)].double().cpu() @ self.shift
        return self.factor * (own if bias is None else own + bias[tokens.to(bias.device)].double().cpu())

    @cached_property
    def mean_constant(self) -> float:
        """The mean of `constant` over the whole vocabulary."""
        weight, bias = self.modules.weight, self.modules.bias
        own = weight.mean(0, dtype=torch.float64).cpu() @ self.shift
        return self.factor * float(own if bias is None else own + bias.double().mean().cpu())

    def capped(self, logits: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        """The logits behind the softcap."""
        cap = self.modules.softcap
        return logits if cap is None else cap * torch.tanh(logits / cap)

    def logits(
        self, streams: Float[Tensor, "token d_model"], tokens: Int[Tensor, " chosen"]
    ) -> Float[Tensor, "token chosen"]:
        """Of whole vectors, before the softcap."""
        return streams.double().cpu() @ self.rows(tokens).T / self.scale(streams)[:, None] + self.constant(tokens)

    def _row(self, weight: Float[Tensor, "*token d_model"]) -> Float[Tensor, "*token d_model"]:
        return self.factor * self._centred(weight * self.gain)

    def _centred(self, values: Float[Tensor, "*token d_model"]) -> Float[Tensor, "*token d_model"]:
        return values - values.mean(-1, keepdim=True) if self.centred else values
