"""TransformerBridge: Hugging Face's own modules, each inside one with hook points (TransformerLens 3 and later)."""

import inspect
from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache
from typing import Any, ClassVar

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from interp.errors import ModelError
from interp.models.backends.cache_keyword import cache_keyword, handed_on
from interp.models.backends.caches import HuggingFaceCache, KeyValueCache, PassedTokens
from interp.models.backends.hook_points import HookPoints, is_instance, padding_inside_window
from interp.models.backends.last_block import last_block
from interp.models.backends.unhooked import unhooked
from interp.models.layer_types import is_alibi, keeps_more_than_keys, layer_windows
from interp.models.weights import check_causal


class TransformerBridge(HookPoints):
    """The model computes in Hugging Face's modules, whose configuration says what they are."""

    name: ClassVar[str] = "TransformerBridge"
    by_definition: frozenset[str] = frozenset()

    @staticmethod
    def takes(model: object) -> bool:
        """Whether the model is a TransformerBridge."""
        return is_instance(model, "TransformerBridge")

    @property
    def architecture(self) -> str:
        """The class that is wrapped."""
        return str(self.model.cfg.architecture or "")

    @property
    def text_config(self) -> Any:
        """Of the language model."""
        return self.model.original_model.config.get_text_config()

    @property
    def windows(self) -> tuple[int | None, ...]:
        """As the configuration has them."""
        return layer_windows(self.text_config, self.shown, type(self.model.original_model).__name__)

    @property
    def is_recurrent(self) -> bool:
        """Also where a layer shows no pattern: what it keeps is not known."""
        return not all(self.shown) or keeps_more_than_keys(self.text_config)

    @property
    def pads_between(self) -> bool:
        """With windows where `run` can make the masks."""
        if self.is_recurrent or is_alibi(self.text_config):
            return False
        return all(window is None for window in self.windows) or self._sliding is not None

    @property
    def processed(self) -> bool:
        """TransformerLens keeps a note."""
        return bool(getattr(self.model, "_weights_processed", False))

    @property
    def first_weight(self) -> Tensor:
        """The embedding, which is never quantised."""
        embedding = next(self.model.original_model.get_input_embeddings().parameters(), None)
        weight: Tensor = next(self.model.parameters()) if embedding is None else embedding
        return weight

    @property
    def embedding(self) -> Any:
        """Hugging Face's module: the bridge's wrapper has hook points."""
        try:
            module = self.model.original_model.get_input_embeddings()
        except (AttributeError, NotImplementedError):
            return None
        return getattr(module, "original_component", module)

    def check(self) -> None:
        """A bridge wraps encoders too."""
        check_causal(self.model.original_model)

    def process(self) -> None:
        """As TransformerLens does by default."""
        self.model.enable_compatibility_mode(disable_warnings=True)

    def unobserved(self) -> AbstractContextManager[None]:
        """Without the bridge's own modules (unhooked.py)."""
        return unhooked(self)

    def new_cache(self, batch: int) -> KeyValueCache:
        """Hugging Face's, which grows to any batch; of tokens where there are recurrent layers."""
        if self.is_recurrent:
            return PassedTokens()
        import transformers

        return HuggingFaceCache(transformers.DynamicCache())

    def run(
        self,
        tokens: Int[Tensor, "sample new"],
        attention_mask: Int[Tensor, "sample all"],
        cache: KeyValueCache | None,
        *,
        logits: bool,
    ) -> Float[Tensor, "sample d_vocab"] | None:
        """Logits of the last position only, where Hugging Face's class can be asked for them alone."""
        if isinstance(cache, PassedTokens):
            tokens, cache = cache.grown(tokens), None
        architecture: Any = type(self.model.original_model)
        options: dict[str, Any] = {"attention_mask": attention_mask, "use_cache": cache is not None}
        if isinstance(cache, HuggingFaceCache):
            options[cache_keyword(architecture)] = cache.own
        if padding_inside_window(self.windows, attention_mask):
            options |= self._masks_by_position(attention_mask, tokens.shape[1])
        if _keeps_logits(architecture):
            # The bridge always calls the unembedding: with no position to keep it costs nothing.
            options["logits_to_keep"] = 1 if logits else torch.empty(0, dtype=torch.long, device=tokens.device)
        with handed_on(self.model, cache_keyword(architecture)) if cache is not None else nullcontext():
            output = self.model(tokens, return_type="logits", **options)
        return output[:, -1] if logits else None

    def unembed(self, residual: Float[Tensor, "token d_model"]) -> Float[Tensor, "token d_vocab"]:
        """A pass over one token for each vector, which takes the place of the last residual stream.

        The families have their final norms, scales and softcaps in different places; this way they are all right.
        Blocks before the last are left out where that changes no bit (last_block.py).
        """
        with last_block(self, self._put_in):
            return self._put_in(residual)

    def _put_in(self, residual: Float[Tensor, "token d_model"]) -> Float[Tensor, "token d_vocab"]:
        tokens = torch.zeros(len(residual), 1, dtype=torch.long, device=self.cfg.device)

        def put_in(hidden: Tensor) -> Tensor:
            return residual.to(hidden)[:, None]

        point = f"blocks.{self.cfg.n_layers - 1}.hook_resid_post"
        with torch.set_grad_enabled(residual.requires_grad), self.attached({point: put_in}):
            found = self.run(tokens, torch.ones_like(tokens), None, logits=True)
        assert found is not None
        return found

    @property
    def _sliding(self) -> int | None:
        return getattr(self.text_config, "sliding_window", None)

    def _masks_by_position(self, attention_mask: Int[Tensor, "sample all"], new: int) -> dict[str, Any]:
        """Hugging Face's additive masks with the window measured in real tokens, and the new tokens' positions."""
        model = self.model.original_model
        if self._sliding is None:
            raise ModelError(
                f"{type(model).__name__} counts padding after cached tokens as part of its local attention: "
                "pass tokens of equal length, or no cache"
            )
        position = attention_mask.cumsum(1) - 1
        query, key = position[:, -new:, None], position[:, None, :]
        causal = (key <= query) & (attention_mask[:, None, :] > 0)
        hidden = torch.finfo(model.dtype).min

        def additive(visible: Bool[Tensor, "sample new all"]) -> Float[Tensor, "sample 1 new all"]:
            zero = torch.zeros(visible.shape, dtype=model.dtype, device=visible.device)
            return zero.masked_fill(~visible, hidden)[:, None]

        sliding = additive(causal & (key > query - self._sliding))
        masks: Any = sliding
        if getattr(self.text_config, "layer_types", None) is not None:
            masks = {"full_attention": additive(causal), "sliding_attention": sliding}
        return {"attention_mask": masks, "position_ids": position[:, -new:].clamp_min(0)}


@lru_cache
def _keeps_logits(architecture: Any) -> bool:
    """Whether the logits of chosen positions can be asked for; looked up once per class, a step is short."""
    return "logits_to_keep" in inspect.signature(architecture.forward).parameters
