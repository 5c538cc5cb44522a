"""What both classes of TransformerLens share: hook points by name, sizes, and weights of a block."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from interp.errors import ModelError
from interp.models.backends.backend import Backend, Config, Hook, LastModules

SHOWN = "interp_has_pattern"
"""Attribute of a model: the layers with an attention pattern; looked up once per model, a step is short."""

FORMS = "interp_block_outputs"
"""Attribute of a model: what its blocks give back."""

FLOATS = (torch.float64, torch.float32, torch.bfloat16, torch.float16)


def is_instance(model: object, name: str) -> bool:
    """Whether a model is of a class of TransformerLens, which is not imported for it: that takes seconds."""
    return any(cls.__module__.startswith("transformer_lens.") and cls.__name__ == name for cls in type(model).__mro__)


class HookPoints(Backend):
    """A model of TransformerLens, whichever its class."""

    @property
    def cfg(self) -> Config:
        """The class's own configuration."""
        cfg: Config = self.model.cfg
        return cfg

    @property
    def points(self) -> Collection[str]:
        """Names of all hook points."""
        names: Collection[str] = self.model.hook_dict.keys()
        return names

    @property
    def shown(self) -> tuple[bool, ...]:
        """Per layer, whether there is an attention pattern."""
        if not hasattr(self.model, SHOWN):
            points = self.points
            found = tuple(f"blocks.{layer}.attn.hook_pattern" in points for layer in range(self.cfg.n_layers))
            setattr(self.model, SHOWN, found)
        shown: tuple[bool, ...] = getattr(self.model, SHOWN)
        return shown

    @contextmanager
    def attached(self, hooks: Mapping[str, Hook]) -> Iterator[None]:
        """Ours are taken off again, whatever else is on the hook points."""
        points = self.model.hook_dict if hooks else {}
        missing = [name for name in hooks if name not in points]
        if missing:
            raise ModelError(
                f"{type(self.model).__name__} has no hook point {missing[0]!r}: the architecture lacks this site"
            )
        handles = []
        try:
            for name, function in hooks.items():
                # On the bridge hook.name is another alias, so a function is bound to the name that was asked for.
                points[name].add_hook(partial(_called, function))
                handles.append((points[name], points[name].fwd_hooks[-1]))
            yield
        finally:
            for point, handle in handles:
                handle.hook.remove()
                point.fwd_hooks = [other for other in point.fwd_hooks if other is not handle]

    @contextmanager
    def beginning_at(self, layer: int) -> Iterator[None]:
        """Each block's own `forward` is hidden behind one that does nothing."""
        blocks = list(self.model.blocks)[:layer]
        hidden = [vars(block).get("forward") for block in blocks]
        try:
            for block, form in zip(blocks, self._forms, strict=False):
                vars(block)["forward"] = partial(_handed_on, form)
            yield
        finally:
            for block, own in zip(blocks, hidden, strict=True):
                vars(block).pop("forward", None)
                if own is not None:
                    vars(block)["forward"] = own

    @property
    def _forms(self) -> list[int]:
        """What every block gives back: 0 for a tensor, else the length of a tuple; found out once per model."""
        if not hasattr(self.model, FORMS):
            found: list[int] = []

            def see(block: object, given: object, output: Any) -> None:
                found.append(len(output) if isinstance(output, tuple) else 0)

            handles = [block.register_forward_hook(see) for block in self.model.blocks]
            try:
                tokens = torch.zeros(1, 2, dtype=torch.long, device=self.cfg.device)
                with torch.inference_mode():
                    self.run(tokens, torch.ones_like(tokens), None, logits=False)
            finally:
                for handle in handles:
                    handle.remove()
            setattr(self.model, FORMS, found)
        forms: list[int] = getattr(self.model, FORMS)
        return forms

    def output_weight(self, layer: int) -> Float[Tensor, "head d_head d_model"] | None:
        """None where it is quantised, of several experts, or in no attention."""
        try:
            weight = self.model.blocks[layer].attn.W_O
        except Exception:  # whatever a class of TransformerLens answers where it has no such weight
            return None
        if type(weight) not in (Tensor, torch.nn.Parameter) or weight.dtype not in FLOATS or weight.is_meta:
            return None
        heads, width = self.cfg.n_heads, self.cfg.d_model
        whole = weight.numel() == heads * self.cfg.d_head * width
        return weight.detach().reshape(heads, -1, width) if whole else None

    @property
    def last_modules(self) -> LastModules | None:
        """Both classes call them by the same names; the bridge has Hugging Face's inside. None where quantised."""
        norm, unembed = (getattr(self.model, name, None) for name in ("ln_final", "unembed"))
        norm, unembed = (getattr(module, "original_component", module) for module in (norm, unembed))
        turned = getattr(unembed, "W_U", None)  # TransformerLens's own stands the other way
        weight = getattr(unembed, "weight", None) if turned is None else turned.T
        bias = getattr(unembed, "bias" if turned is None else "b_U", None)
        if norm is None or not isinstance(weight, Tensor) or weight.dtype not in FLOATS or weight.is_meta:
            return None
        if weight.shape != (self.cfg.d_vocab, self.cfg.d_model):
            return None
        softcap = getattr(self.text_config, "final_logit_softcapping", None)
        softcap = softcap or getattr(self.cfg, "output_logits_soft_cap", None)
        return LastModules(
            norm, weight.detach(), None if bias is None else bias.detach(), softcap if softcap and softcap > 0 else None
        )


def _called(function: Hook, tensor: Tensor, hook: object) -> Tensor | None:
    return function(tensor)


def _handed_on(form: int, *args: Any, **kwargs: Any) -> Any:
    hidden = args[0] if args else kwargs["hidden_states"]
    return (hidden, *[None] * (form - 1)) if form else hidden


def padding_inside_window(windows: tuple[int | None, ...], attention_mask: Int[Tensor, "sample all"]) -> bool:
    """Whether a sliding window may span padding between cached and new tokens; both classes count it as keys."""
    narrow = min((window for window in windows if window is not None), default=None)
    if narrow is None or attention_mask.shape[1] <= narrow:
        return False
    resumes = (attention_mask[:, 1:] > attention_mask[:, :-1]) & (attention_mask.cumsum(1)[:, :-1] > 0)
    return bool(resumes.any())
