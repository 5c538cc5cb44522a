"""HookedTransformer: TransformerLens's own modules, up to its version 3."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import torch
from jaxtyping import Float, Int
from torch import Tensor

from interp.errors import ModelError
from interp.models.backends.caches import KeyValueCache, TransformerLensCache
from interp.models.backends.hook_points import HookPoints, is_instance, padding_inside_window
from interp.models.weights import check_in_memory


class HookedTransformer(HookPoints):
    """The model computes in modules of TransformerLens; Hugging Face's configuration is gone."""

    name: ClassVar[str] = "HookedTransformer"
    text_config = None
    is_recurrent = False
    by_definition = frozenset({"z", "mlp_post"})

    @staticmethod
    def takes(model: object) -> bool:
        """Whether the model is a HookedTransformer."""
        return is_instance(model, "HookedTransformer")

    @property
    def architecture(self) -> str:
        """Of the model that the weights are of."""
        return str(self.model.cfg.original_architecture or "")

    @property
    def windows(self) -> tuple[int | None, ...]:
        """As the configuration has them."""
        cfg = self.model.cfg
        types = cfg.attn_types or ["global"] * cfg.n_layers
        return tuple(cfg.window_size if cfg.use_local_attn and kind == "local" else None for kind in types)

    @property
    def pads_between(self) -> bool:
        """Not with windows, which count padding."""
        return all(window is None for window in self.windows)

    @property
    def processed(self) -> bool:
        """The norms are then without weights."""
        return str(self.model.cfg.normalization_type).endswith("Pre")

    @property
    def first_weight(self) -> Tensor:
        """The embedding."""
        weight: Tensor = self.model.embed.W_E
        return weight

    @property
    def embedding(self) -> Any:
        """The module itself: its hook point stands behind it."""
        return self.model.embed

    def check(self) -> None:
        """All of them read from left to right."""
        check_in_memory(self.model)

    def process(self) -> None:
        """As TransformerLens does by default."""
        self.model.process_weights_()

    @contextmanager
    def unobserved(self) -> Iterator[None]:
        """There is no shorter way."""
        yield

    def new_cache(self, batch: int) -> KeyValueCache:
        """TransformerLens's own."""
        from transformer_lens import TransformerLensKeyValueCache

        return TransformerLensCache(
            TransformerLensKeyValueCache.init_cache(self.model.cfg, self.model.cfg.device, batch)
        )

    def run(
        self,
        tokens: Int[Tensor, "sample new"],
        attention_mask: Int[Tensor, "sample all"],
        cache: KeyValueCache | None,
        *,
        logits: bool,
    ) -> Float[Tensor, "sample d_vocab"] | None:
        """Logits of the last position only, because those of all positions can be larger than the model."""
        new, n_layers = tokens.shape[1], self.cfg.n_layers
        options: dict[str, Any] = {"attention_mask": attention_mask[:, -new:]}
        if padding_inside_window(self.windows, attention_mask):
            raise ModelError(
                "HookedTransformer counts padding after cached tokens as part of its sliding window: "
                "pass tokens of equal length, or no cache, or load the model as a TransformerBridge"
            )
        if isinstance(cache, TransformerLensCache):
            cache.own.previous_attention_mask = attention_mask[:, :-new]
            options["past_kv_cache"] = cache.own
        if not logits:
            self.model(tokens, return_type=None, **options)
            return None
        residual = self.model(tokens, stop_at_layer=n_layers, **options)
        last: Tensor = self.unembed(residual[:, -1])
        return last

    def unembed(self, residual: Float[Tensor, "token d_model"]) -> Float[Tensor, "token d_vocab"]:
        """By the model's own last modules."""
        with torch.set_grad_enabled(residual.requires_grad):
            found: Tensor = self.model(residual[:, None], start_at_layer=self.cfg.n_layers)
        return found[:, -1]
