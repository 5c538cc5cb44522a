"""Sizes of a model, from its configuration alone or from the loaded model: enough to say what a run will take."""

from dataclasses import dataclass
from typing import Any

import torch

from interp.models.architecture import HookedModel, model_info
from interp.models.layer_types import context

NO_LIMIT = 2048
"""What TransformerLens takes where a configuration names no longest text."""


@dataclass(frozen=True)
class Shapes:
    """What decides how large activations and weights are."""

    n_layers: int
    n_heads: int
    d_model: int
    d_head: int
    d_mlp: int
    n_ctx: int
    d_vocab: int
    n_params: int
    dtype: str
    """`float32`, `bfloat16` or `float16`: of weights and activations."""

    @classmethod
    def of_config(cls, config: Any, dtype: str) -> "Shapes":
        """From a Hugging Face configuration; the parameters are counted on a model that has no memory."""
        from transformers import AutoModelForCausalLM

        text = config.get_text_config()
        # A model without attention has no heads, and one without positions no longest text.
        d_model = text.hidden_size
        n_heads = getattr(text, "num_attention_heads", None) or 1
        sizes = (getattr(text, name, None) for name in ("intermediate_size", "n_inner", "ffn_dim"))
        with torch.device("meta"):
            empty = AutoModelForCausalLM.from_config(config)
        return cls(
            n_layers=text.num_hidden_layers,
            n_heads=n_heads,
            d_model=d_model,
            d_head=getattr(text, "head_dim", None) or d_model // n_heads,
            d_mlp=next(filter(None, sizes), 4 * d_model),
            n_ctx=context(getattr(text, "max_position_embeddings", None) or NO_LIMIT, text),
            d_vocab=text.vocab_size,
            n_params=sum(weight.numel() for weight in empty.parameters()),
            dtype=dtype,
        )

    @classmethod
    def of_model(cls, model: HookedModel) -> "Shapes":
        """From a hooked model."""
        info = model_info(model)
        return cls(
            n_layers=info.n_layers,
            n_heads=info.n_heads,
            d_model=info.d_model,
            d_head=info.d_head,
            d_mlp=model.cfg.d_mlp or 4 * info.d_model,
            n_ctx=info.n_ctx,
            d_vocab=info.d_vocab,
            n_params=sum(weight.numel() for weight in model.parameters()),
            dtype=str(info.dtype).removeprefix("torch."),
        )

    @property
    def itemsize(self) -> int:
        """Bytes of a number."""
        return getattr(torch, self.dtype).itemsize

    def width(self, site: str) -> int:
        """Numbers of one vector of a site."""
        return {"z": self.n_heads * self.d_head, "mlp_post": self.d_mlp}.get(site, self.d_model)
