"""A model of no library, and its backend: what a token leads to is a sum of rows, so everything is known by hand."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from types import SimpleNamespace
from typing import Any, ClassVar

import torch
from torch import Tensor

from interp.errors import ModelError
from interp.models.backends.backend import Backend
from interp.models.backends.caches import PassedTokens


class FakeModel:
    """Two layers; each adds the mean of all embeddings so far to the stream, which is the sum in the end."""

    def __init__(self) -> None:
        generator = torch.Generator().manual_seed(0)
        self.embed = torch.randn(11, 4, generator=generator)
        self.tokenizer = SimpleNamespace(eos_token_id=None, chat_template=None, decode=lambda ids, **_: str(list(ids)))
        self.hooks: dict[str, Any] = {}

    def stream(self, tokens: Tensor, hooks: Mapping[str, Any] | None = None) -> Tensor:
        """The last residual stream."""
        hidden = self.embed[tokens]
        mean = hidden.cumsum(1) / torch.arange(1, tokens.shape[1] + 1)[:, None]
        for layer in range(2):
            hidden = hidden + mean
            function = (hooks or {}).get(f"blocks.{layer}.hook_resid_post")
            changed = None if function is None else function(hidden)
            hidden = hidden if changed is None else changed
        return hidden

    def logits(self, tokens: Tensor) -> Tensor:
        """Through the transposed embedding."""
        return self.stream(tokens) @ self.embed.T


class FakeBackend(Backend):
    """What `Backend` asks for, of a FakeModel."""

    name: ClassVar[str] = "FakeModel"
    architecture = "FakeForCausalLM"
    text_config = None
    points = ("blocks.0.hook_resid_post", "blocks.1.hook_resid_post")
    shown = (True, True)
    windows: tuple[int | None, ...] = (None, None)
    is_recurrent = False
    pads_between = True
    processed = False
    by_definition: frozenset[str] = frozenset()

    def __init__(self, model: FakeModel) -> None:
        super().__init__(model)
        self.sizes = SimpleNamespace(
            model_name="fake",
            n_layers=2,
            n_heads=1,
            n_key_value_heads=None,
            d_model=4,
            d_head=4,
            n_ctx=64,
            d_vocab=11,
            device="cpu",
        )

    @staticmethod
    def takes(model: object) -> bool:
        return isinstance(model, FakeModel)

    @property
    def cfg(self) -> Any:
        return self.sizes

    @property
    def first_weight(self) -> Tensor:
        return self.model.embed

    @property
    def embedding(self) -> Any:
        return lambda ids: self.model.embed[ids]

    def check(self) -> None:
        """Always right."""

    def process(self) -> None:
        """There are no norms."""

    @contextmanager
    def attached(self, hooks: Mapping[str, Any]) -> Iterator[None]:
        if missing := [name for name in hooks if name not in self.points]:
            raise ModelError(f"FakeModel has no hook point {missing[0]!r}: the architecture lacks this site")
        self.model.hooks = dict(hooks)
        yield
        self.model.hooks = {}

    def run(self, tokens: Tensor, attention_mask: Tensor, cache: Any, *, logits: bool) -> Tensor | None:
        if cache is not None:
            tokens = cache.grown(tokens)
        rows = [
            self.model.stream(row[None, mask.bool()], self.model.hooks)[:, -1]
            for row, mask in zip(tokens, attention_mask, strict=True)
        ]
        return torch.cat(rows) @ self.model.embed.T if logits else None

    def new_cache(self, batch: int) -> PassedTokens:
        return PassedTokens()

    def unobserved(self) -> Any:
        return nullcontext()

    def beginning_at(self, layer: int) -> Any:
        return nullcontext()

    def output_weight(self, layer: int) -> Tensor | None:
        return None

    def unembed(self, residual: Tensor) -> Tensor:
        return residual @ self.model.embed.T
