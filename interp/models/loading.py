"""Loading models: a name, a folder, a GGUF file or a loaded model in, a hooked model ready for capture out."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from interp.errors import InterpError, ModelError
from interp.models.architecture import (
    NAME,
    NOTE,
    HookedModel,
    ModelInfo,
    eos_token_ids,
    has_pattern,
    is_recurrent,
    model_info,
    model_tokenizer,
    new_cache,
    pads_between,
)
from interp.models.backends.caches import KeyValueCache
from interp.models.backends.kinds import backend_of, is_hooked, refuse_remote
from interp.models.hooked import fill_cache, forward, hook_name
from interp.models.language_model import language_model
from interp.models.observable import known_values, output_weight, undefined_metrics
from interp.models.placement import device_name, is_spread, read_dtype
from interp.models.preflight import preflight, reference_pass
from interp.models.rotary import hold_rotary
from interp.models.sources import MERGE, conversion_of, first_line, read_config, read_model, read_tokenizer
from interp.models.weights import check_causal
from interp.support.accepted import ModelSource, Tokenizer
from interp.support.arguments import flag, several_texts
from interp.support.messages import shown
from interp.support.public import public

__all__ = [
    "HookedModel",
    "KeyValueCache",
    "ModelInfo",
    "conversion_of",
    "eos_token_ids",
    "fill_cache",
    "forward",
    "has_pattern",
    "hook_name",
    "is_recurrent",
    "known_values",
    "load_model",
    "model_info",
    "model_tokenizer",
    "new_cache",
    "output_weight",
    "pads_between",
    "preflight",
    "read_config",
    "undefined_metrics",
]


@public
def load_model(
    source: ModelSource,
    *,
    tokenizer: Tokenizer | None = None,
    device: str | torch.device = "cpu",
    dtype: str | torch.dtype = "float32",
    processed_weights: bool = False,
    check: bool = True,
    sites: str | Sequence[str] = (),
) -> HookedModel:
    """Load a causal language model with TransformerLens hooks.

    `source` is a Hugging Face name (`name@revision` for one revision), a local folder, a GGUF file, `"gemma3-270m"`
    (the optional extra `gemma`), a HookedTransformer, a TransformerBridge, or a Hugging Face model (with `tokenizer=`;
    it is wrapped in place). Of a model of pictures and text the language model is taken. A model that is hooked already
    passes through on its own device and in its own dtype.

    `device` is `auto` (a GPU if there is one), `cpu`, `cuda`, `cuda:1` …, `mps`, or `spread` (layer by layer over all
    GPUs, by accelerate). Weights are Hugging Face's own unless `processed_weights` folds the norms and centres what
    writes to the residual stream. `check=True` runs `preflight`, also on the `sites` that will be captured.
    Raises ModelError with what to do.

    >>> from interp.demo import model_path
    >>> model = interp.load_model(model_path())  # or a Hugging Face name, a folder, a GGUF file, a model you hold
    >>> model.cfg.n_layers, model.cfg.n_heads
    (9, 4)
    """
    dtype, sites, reference = read_dtype(dtype), several_texts("sites", sites), None
    processed_weights, check = flag("processed_weights", processed_weights), flag("check", check)
    device_name(device)
    if is_hooked(source):
        model: HookedModel = source
        if tokenizer is not None:
            model.tokenizer = read_tokenizer(tokenizer)
        if processed_weights and not model_info(model).processed_weights:
            raise ModelError("processed_weights=True cannot change a model that is loaded already: process it before")
    else:
        if isinstance(source, str | Path):
            hf_model, own_tokenizer, name = read_model(source, tokenizer, device, dtype)
        elif any(cls.__name__ == "PeftModel" for cls in type(source).__mro__):
            raise ModelError(f"a {type(source).__name__} is a model with an adapter: {MERGE} and give the result")
        elif _is_hugging_face(source):
            if tokenizer is None:
                raise ModelError(f"a {type(source).__name__} needs its tokenizer: load_model(model, tokenizer=…)")
            hf_model, own_tokenizer, name = source, read_tokenizer(tokenizer), source.name_or_path or "model"
        else:
            refuse_remote(source)
            raise ModelError(
                "expected a model name, a folder, a GGUF file, a HookedTransformer, a TransformerBridge or a "
                f"Hugging Face model, got {shown(source)}"
            )
        hf_model.eval()  # one that was just made from a configuration would still drop out
        check_causal(hf_model)
        hold_rotary(hf_model)
        if check:
            with _in_a_sentence(hf_model):
                reference = reference_pass(hf_model, own_tokenizer)
        hf_model = language_model(hf_model)
        model = _hooked(hf_model, own_tokenizer, name, keep=is_spread(hf_model) or not isinstance(source, str | Path))
        if processed_weights:
            backend_of(model).process()
    if check:
        with _in_a_sentence(getattr(model, "original_model", model)):
            preflight(model, reference=reference, sites=sites)
    return model


@contextmanager
def _in_a_sentence(model: Any) -> Iterator[None]:
    """What a first pass ends in, of whatever library, as a ModelError."""
    try:
        yield
    except InterpError:
        raise
    except Exception as error:
        raise ModelError(
            f"a pass of {type(model).__name__} with hooks fails: {type(error).__name__}: {first_line(error)}; "
            f"transformers {version('transformers')} and TransformerLens {version('transformer-lens')} do not run "
            "this model together: use another model or other versions"
        ) from error


def _is_hugging_face(source: object) -> bool:
    return any(cls.__name__ == "PreTrainedModel" for cls in type(source).__mro__)


def _hooked(hf_model: Any, tokenizer: Any, name: str, *, keep: bool) -> HookedModel:
    """Give a Hugging Face model hooks: HookedTransformer where it can take these weights, else the bridge."""
    note = ""
    if not keep:
        try:
            from transformer_lens import HookedTransformer  # noqa: F401  (4.0 raises ImportError here)
        except ImportError:
            pass
        else:
            from interp.models.llama import as_hooked_transformer, why_not

            note = why_not(hf_model.config)
            if not note:
                return as_hooked_transformer(hf_model, tokenizer, name)
    from transformer_lens.model_bridge import TransformerBridge

    kwargs = tokenizer.init_kwargs
    kwargs.setdefault("name_or_path", tokenizer.name_or_path)
    before = dict(kwargs)
    kwargs["add_bos_token"] = True  # else TransformerLens reloads the tokenizer so that it adds a BOS
    try:
        model = TransformerBridge.boot_transformers(name, hf_model=hf_model, tokenizer=tokenizer, dtype=hf_model.dtype)
    except Exception as error:
        raise ModelError(f"TransformerLens has no bridge for {type(hf_model).__name__}: {first_line(error)}") from error
    finally:
        kwargs.clear()
        kwargs.update(before)
    setattr(model, NOTE, note)
    setattr(model, NAME, name)
    return model
