"""A Capture from hidden states that another library gave: Hugging Face's, nnsight's, or arrays of one's own."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from interp.capturing.activations import SITES, Capture
from interp.capturing.from_cache import capture_from_cache
from interp.capturing.hidden_states import HiddenStates, read_hidden_states
from interp.capturing.positions import Positions
from interp.capturing.resolve_positions import resolve_positions
from interp.capturing.same_samples import sample_ids
from interp.capturing.same_tokens import answers_of_states
from interp.errors import DataError
from interp.labelling.answers import Answers
from interp.models.loading import HookedModel, hook_name, model_info
from interp.support.accepted import HiddenStateArrays, Ids, Mask, PatternArrays, PositionSource, TokenIds
from interp.support.arguments import flag, one_of, whole_number
from interp.support.arrays import in_order
from interp.support.messages import shown
from interp.support.public import public

EMBED = "embed"
"""The layer before the first block."""


@public
def capture_from_hidden_states(
    token_ids: TokenIds,
    states: HiddenStateArrays,
    positions: PositionSource,
    *,
    layers: Sequence[int | str] | None = None,
    site: str = "resid_post",
    final_norm: bool = True,
    attentions: PatternArrays | None = None,
    attention_mask: Mask | None = None,
    model: HookedModel | None = None,
    ids: Ids | None = None,
) -> Capture:
    """A Capture from Hugging Face's `hidden_states`, or the like of another library, for `probe_grid`.

    `token_ids`: the ids of every sample, as lists of their own length, or an array that was padded on either side, with
    its `attention_mask`. `states`: what the model returned with `output_hidden_states=True` (or its `hidden_states`);
    one array `sample token width` per layer; one `layer token width` per sample, or a list of its layers; of
    `generate`, the passes one after the other. Any of torch's or NumPy's types; bfloat16 stays what it is.

    `layers` names the entries: numbers of the blocks *after* which they stand, from 0, and `embed`, what enters the
    first block. Without it they are Hugging Face's: the first is `embed`, the i-th stands after block i − 1, and the
    last went through the model's final norm. That is no residual stream, so it is left out and `settings["not_kept"]`
    says so; `final_norm=False` keeps it where a model does not norm it. With `layers` all are kept, as from hooks on
    the blocks (nnsight's and nnterp's `layers[i].output`, `layers=range(n)`), at the `site` that was hooked.

    `positions`: an Answers, whose roles are resolved and which is matched by token ids (states that the answers lack
    are an error; answers without states are counted), or Positions in the order of `token_ids`. A role behind the last
    state is absent, and counted: `generate` never runs the last token. `attentions` are Hugging Face's, block after
    block; pass the `model` where attention has sliding windows.

    Raises DataError for shapes that do not fit or could be read two ways, and for other samples' tokens.

    >>> from interp.demo import answered, model_path
    >>> from transformers import AutoModelForCausalLM
    >>> import torch
    >>> _, answers = answered(2)
    >>> hf_model, parts = AutoModelForCausalLM.from_pretrained(model_path()), []
    >>> ids = [[*prompt, *own] for prompt, own in zip(answers.prompt_ids, answers.completion_ids)]
    >>> for one in ids:
    ...     parts.append(hf_model(torch.tensor([one]), output_hidden_states=True).hidden_states)
    >>> cap = interp.capture_from_hidden_states(ids, parts, answers)
    >>> cap.resid.shape, cap.settings["not_kept"][0]
    (torch.Size([2, 8, 15, 64]), 'block 8: Hugging Face gives its state only after the final norm')
    """
    one_of("site", site, SITES)
    if hasattr(states, "hidden_states"):
        attentions = getattr(states, "attentions", None) if attentions is None else attentions
        states = states.hidden_states
    given = read_hidden_states(token_ids, states, attentions, attention_mask)
    if layers is None and model is not None and given.n_states != (n := model_info(model).n_layers + 1):
        raise DataError(
            f"states: Hugging Face gives {n} states of this model, the embedding first, got {given.n_states}; name "
            "them by `layers`: after which block each stands"
        )
    names, not_kept = names_of(given.n_states, layers, site, flag("final_norm", final_norm))
    return capture_states(
        given, positions, names, site, model=model, ids=ids, source="hidden states", not_kept=not_kept
    )


def capture_states(
    given: HiddenStates,
    positions: Any,
    names: Sequence[int | str | None],
    site: str,
    *,
    source: str,
    not_kept: Sequence[str] = (),
    model: HookedModel | None = None,
    ids: Any = None,
) -> Capture:
    """The Capture of states whose layers are `names` (None: left out); the errors are those of the public functions."""
    settings: dict[str, object] = {"sites": [site], "source": source}
    if isinstance(positions, Answers):
        if ids is not None:
            raise DataError("ids: the answers know their samples, and are matched by token ids; leave out `ids`")
        of = answers_of_states(given.tokens, positions)
        if without := len(positions) - len(of):
            settings["answers_without_states"] = without
        positions, rows = resolve_positions(positions)[[*of]], [*of.values()]
    elif isinstance(positions, Positions):
        rows = [*range(len(given.tokens))]
        if len(positions) != len(rows):
            raise DataError(f"positions: they are of {len(positions)} samples, the states of {len(rows)}")
    else:
        raise DataError(f"positions: expected Answers or Positions, got {shown(positions)}")
    samples, absent, parts = sample_ids(positions, ids), Counter[str](), []
    for number, row in enumerate(rows):
        own = positions[[number]]
        _check_tokens(own, samples[number], given.tokens[row])
        n = min(int(own.n), len(given.states[row][0]))
        behind = own.valid & (own.index >= n)
        absent.update(role for role, gone in zip(own.roles, behind[0].tolist(), strict=True) if gone)
        own = replace(own, valid=own.valid & ~behind, n=own.n.clamp_max(n))
        cache = {}
        for name, state in zip(names, given.states[row], strict=True):
            if name is not None:
                cache[hook_name("resid_pre", 0) if name == EMBED else hook_name(site, int(name))] = state[None, :n]
        for block, pattern in enumerate([] if given.patterns is None else given.patterns[row]):
            if block in names:
                cache[hook_name("pattern", block)] = pattern[None, :, :n, :n]
        parts.append(capture_from_cache(cache, own, sites=site, model=model, ids=[samples[number]]))
    if absent:
        settings["absent_without_state"] = dict(absent)
    if not_kept:
        settings["not_kept"] = [*not_kept]
    return replace(Capture.concat(parts), settings=settings)


def names_of(n: int, layers: Any, site: str, final_norm: bool) -> tuple[list[int | str | None], tuple[str, ...]]:
    """What each of so many entries is called, and what is left out. Raises DataError for names that do not fit."""
    if layers is None:
        if site != "resid_post":
            raise DataError(
                f"layers: say which block each of the {n} entries of the site {site!r} is of: layers=range({n})"
            )
        if n < 2 + final_norm:
            raise DataError(
                f"states: Hugging Face gives the embedding, then one state per block, here {n} in all; name other "
                "states by `layers`, as layers=[7]"
            )
        if not final_norm:
            return [EMBED, *range(n - 1)], ()
        sentence = f"block {n - 2}: Hugging Face gives its state only after the final norm"
        return [EMBED, *range(n - 2), None], (sentence,)
    names: list[int | str | None] = [
        EMBED if isinstance(name, str) and name == EMBED else whole_number("layers", name, 0)
        for name in in_order("layers", list(layers) if isinstance(layers, range) else layers)
    ]
    if len(names) != n or len({*names}) != n or {*names} == {EMBED}:
        raise DataError(f"layers: expected {n} different blocks, as many as there are states, got {shown(names)}")
    if EMBED in names and site != "resid_post":
        raise DataError(f"layers: `embed` is the residual stream before the first block, the site is {site!r}")
    return names, ()


def _check_tokens(own: Positions, name: str, tokens: tuple[int, ...]) -> None:
    """Raise DataError for the positions of a sample with other tokens."""
    n, known = int(own.n), [] if own.ledger is None else own.ledger.token_id[0].tolist()
    at = zip(own.roles, own.index[0].tolist(), known, strict=False)
    other = [role for role, i, token in at if token >= 0 and 0 <= i < len(tokens) and tokens[i] != token]
    if other or (not known and n != len(tokens)):
        found = f"another token at {other[0]}" if other else f"{n} tokens there and {len(tokens)} here"
        raise DataError(
            f"positions: sample {name!r} has {found}: the positions are of other samples, or in another order; give "
            "Answers, which are matched by their tokens"
        )
