"""Passes in which one state is another, and nothing is computed again that it cannot change.

A state at token t after layer l changes no earlier token and no layer up to l. So the residual streams and keys and
values of an unchanged pass are kept; an edited pass begins at layer l + 1 with the tokens from t on. Many edits run at
once, each with its own t: the keys behind it are masked.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial

import torch
from jaxtyping import Float, Int
from torch import Tensor

from interp.models.backends.backend import Hook
from interp.models.backends.caches import KeyValueCache
from interp.models.backends.kinds import backend_of
from interp.models.batches import common_prefix, left_pad
from interp.models.deviation import deviates, tolerance_of
from interp.models.loading import (
    HookedModel,
    fill_cache,
    forward,
    hook_name,
    is_recurrent,
    model_info,
    new_cache,
    pads_between,
)

Change = Callable[[Float[Tensor, "edit ..."]], Float[Tensor, "edit ..."]]
"""From the states of some edits, as the pass has them, to what is put in their place."""

BEGINS = "interp_begins_at"
"""Attribute of a model: whether its passes may begin at a later layer."""


@dataclass(frozen=True)
class Text:
    """Token ids that are run, and what is asked of them."""

    ids: tuple[int, ...]
    first: int
    """No token before it is ever edited."""
    points: int
    """The last so many tokens have logits that are asked for."""


@dataclass(frozen=True)
class Edits:
    """States to be changed in one pass, all of one site and layer."""

    site: str
    layer: int
    text: Int[Tensor, " edit"]
    """Which text each is of."""
    token: Int[Tensor, " edit"]
    """Its token."""


class CleanTexts:
    """Unchanged passes of some texts, and edited ones that go on from them."""

    def __init__(self, model: HookedModel, texts: Sequence[Text]) -> None:
        self.model, self.texts, self.backend = model, tuple(texts), backend_of(model)
        self.info = model_info(model)
        self.cut = pads_between(model) and not is_recurrent(model)
        """Whether passes may go on behind tokens that others do not have."""
        self.length = torch.tensor([len(text.ids) for text in texts])
        self.width = max(len(text.ids) - (text.first if self.cut else 0) for text in texts)
        self.points = max(text.points for text in texts)
        self.tokens, self.mask = left_pad([text.ids for text in texts], self.info.device)
        self.stream: list[Float[Tensor, "text width d_model"]] = []
        """Before every layer and behind the last, of the last `width` tokens."""
        self.cache: KeyValueCache | None = None
        self._run()

    def _run(self) -> None:
        n_layers = self.info.n_layers
        cache, begin = (new_cache(self.model, len(self.texts)) if self.cut else None), 0
        shared = common_prefix(text.ids[: text.first] for text in self.texts) if self.cut else []
        if cache is not None and shared and len({len(text.ids) for text in self.texts}) == 1:
            begin = len(shared)  # rows of one length: the shared tokens are the first columns
            one = new_cache(self.model, 1)
            fill_cache(self.model, self.tokens[:1, :begin], self.mask[:1, :begin], one)
            cache = one.repeat(len(self.texts))
        kept: list[Tensor] = []
        names = [hook_name("resid_pre", layer) for layer in range(n_layers)] + [hook_name("resid_post", n_layers - 1)]

        def keep(hidden: Tensor) -> None:
            kept.append(hidden[:, -self.width :].clone())

        forward(self.model, self.tokens[:, begin:], self.mask, hooks=dict.fromkeys(names, keep), cache=cache)
        self.stream, self.cache = kept, cache

    @property
    def final(self) -> Float[Tensor, "text point d_model"]:
        """The last residual stream at the points asked for, unchanged; right-aligned."""
        return self.stream[-1][:, -self.points :]

    @property
    def bytes_per_row(self) -> int:
        """What a row of an edited pass takes in keys and values at most."""
        held = [] if self.cache is None else self.cache.tensors()
        return 2 * sum(one.nbytes for one in held) // len(self.texts)

    def edited(self, edits: Edits, change: Change) -> Float[Tensor, "edit point d_model"]:
        """The last residual stream at every edit's points. `change` is called once, with all states in one tensor."""
        n_layers, site = self.info.n_layers, edits.site
        begin = edits.layer + 1 if site == "resid_post" else edits.layer
        start = edits.token if self.cut else torch.zeros_like(edits.token)
        length = self.length[edits.text]
        width = int((length - start).max())
        rows = torch.arange(len(edits.text))
        at = width - (length - edits.token)
        hidden = self.stream[begin][edits.text.to(self.stream[begin].device), -width:]
        if site == "resid_post":
            where = rows.to(hidden.device), at.to(hidden.device)
            hidden = hidden.clone()
            hidden[where] = change(hidden[where]).to(hidden)
        if begin == n_layers:
            return self._points(hidden)
        tokens, seen = self._inputs(edits.text, start, width)
        cache = None if self.cache is None else self.cache.rows(edits.text, begin if self._begins else 0)
        final: list[Tensor] = []
        hooks: dict[str, Hook] = {hook_name("resid_pre", begin): partial(_put, hidden)}
        if site != "resid_post":
            hooks[hook_name(site, edits.layer)] = partial(_changed, rows, at, change)
        hooks[hook_name("resid_post", n_layers - 1)] = lambda x: final.append(self._points(x))
        with self.backend.beginning_at(begin) if self._begins else nullcontext():
            forward(self.model, tokens, seen, hooks=hooks, cache=cache)
        return final[0]

    def gradients(
        self, site: str, layers: Sequence[int], value: Callable[[Float[Tensor, "text point d_model"]], Tensor]
    ) -> list[tuple[Float[Tensor, "text width *site"], Float[Tensor, "text width *site"]]]:
        """Of every layer the site's states in the last `width` tokens, and the gradient of Σ `value` by them.

        `value`: of the last residual stream at the points, one number for each text. Tokens before are cached, and
        without gradients: nothing before the first edit is asked for.
        """
        text = torch.arange(len(self.texts))
        start = (self.length - self.width).clamp_min(0)
        tokens, seen = self._inputs(text, start, self.width)
        states: dict[int, Tensor] = {}
        final: list[Tensor] = []

        def begin(hidden: Tensor) -> Tensor:
            return hidden.detach().requires_grad_()

        def keep(layer: int, hidden: Tensor) -> Tensor:
            states[layer] = hidden = hidden.clone()
            return hidden

        def end(hidden: Tensor) -> None:
            final.append(hidden)

        named: dict[str, list[Hook]] = {hook_name("resid_pre", 0): [begin]}
        for layer in layers:
            named.setdefault(hook_name(site, layer), []).append(partial(keep, layer))
        named.setdefault(hook_name("resid_post", self.info.n_layers - 1), []).append(end)
        hooks = {name: partial(_one_after_the_other, some) for name, some in named.items()}
        with torch.inference_mode(False), torch.enable_grad():
            with self.backend.attached(hooks):
                cache = None if self.cache is None else self.cache.rows(text, 0)
                self.backend.run(tokens.clone(), seen, cache, logits=False)
            # Without the hooks: logits may take a pass of their own, whose states are not meant.
            total = value(self._points(final[0])).sum()
            found = torch.autograd.grad(total, [states[layer] for layer in layers])
        return [(states[layer].detach(), one) for layer, one in zip(layers, found, strict=True)]

    def _points(self, hidden: Float[Tensor, "edit width d_model"]) -> Float[Tensor, "edit point d_model"]:
        return hidden[:, -self.points :]

    def _inputs(
        self, text: Int[Tensor, " edit"], start: Int[Tensor, " edit"], width: int
    ) -> tuple[Int[Tensor, "edit width"], Int[Tensor, "edit key"]]:
        """The last tokens of every edit's text, from its `start` on, and what they see: cached keys before it."""
        place = text.to(self.tokens.device)
        tokens, column = self.tokens[place, -width:], torch.arange(self.tokens.shape[1])
        token = column - (len(column) - self.length[text])[:, None]
        new = (token[:, -width:] >= start[:, None]).long()
        if self.cache is None:
            return tokens, new
        return tokens, torch.cat([((token >= 0) & (token < start[:, None])).long(), new], dim=1)

    @property
    def _begins(self) -> bool:
        """Whether a pass that begins later gives the same; tried once per model at every layer, on a few tokens.

        Not where a layer reads what an earlier one kept, as shared keys and values.
        """
        if not hasattr(self.model, BEGINS):
            setattr(self.model, BEGINS, _begins_alike(self.model))
        return bool(getattr(self.model, BEGINS))


def _one_after_the_other(functions: list[Hook], hidden: Tensor) -> Tensor:
    for function in functions:
        changed = function(hidden)
        hidden = hidden if changed is None else changed
    return hidden


def _changed(rows: Tensor, at: Tensor, change: Change, hidden: Tensor) -> Tensor:
    where = rows.to(hidden.device), at.to(hidden.device)
    hidden = hidden.clone()
    hidden[where] = change(hidden[where]).to(hidden)
    return hidden


def _begins_alike(model: HookedModel) -> bool:
    info, backend = model_info(model), backend_of(model)
    tokens = (torch.arange(1, 6)[None] * 31 % info.d_vocab).to(info.device)
    names = [*(hook_name("resid_pre", layer) for layer in range(info.n_layers))]
    names.append(hook_name("resid_post", info.n_layers - 1))
    whole: list[Tensor] = []

    def passed(hooks: Mapping[str, Hook]) -> None:
        forward(model, tokens, torch.ones_like(tokens), hooks=hooks)

    passed(dict.fromkeys(names, lambda hidden: whole.append(hidden.clone())))
    for layer in range(1, info.n_layers):
        found: list[Tensor] = []
        hooks: dict[str, Hook] = {names[layer]: partial(_put, whole[layer]), names[-1]: found.append}
        try:
            with backend.beginning_at(layer):
                passed(hooks)
        except (RuntimeError, TypeError, ValueError, IndexError, KeyError, AttributeError):
            return False  # what an inner mismatch ends in is anybody's guess; without the short cut all is right
        if not found or deviates(found[0], whole[-1], tolerance_of(info.dtype)):
            return False
    return True


def _put(stream: Tensor, hidden: Tensor) -> Tensor:
    return stream.to(hidden)
