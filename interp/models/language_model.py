"""The language model of a Hugging Face model: the model itself, or the one inside a model of pictures and text."""

from typing import Any

import torch

from interp.errors import ModelError
from interp.models.sources import MERGE


def language_model(hf_model: Any) -> Any:
    """A causal language model: of a model that sees pictures too, its text model with the same weights.

    Raises ModelError for a model with an adapter on it, and where no text model can be taken out.
    """
    if getattr(hf_model, "_hf_peft_config_loaded", False):
        raise ModelError(f"the {type(hf_model).__name__} has an adapter on it: {MERGE} and give the result")
    config = hf_model.config
    text = config.get_text_config()
    if text is config or getattr(config, "is_encoder_decoder", False):
        return hf_model
    from transformers import AutoModelForCausalLM

    kind = type(hf_model).__name__
    inside = getattr(hf_model.base_model, "language_model", None) or getattr(hf_model, "language_model", None)
    try:
        with torch.device("meta"):  # a frame for weights that are there
            model: Any = AutoModelForCausalLM.from_config(text, attn_implementation="eager")
    except (ValueError, KeyError) as error:
        raise ModelError(f"{kind}: transformers has no language model of type {text.model_type!r} alone") from error
    prefix = model.base_model_prefix
    if inside is None or type(getattr(model, prefix, None)) is not type(inside) or hf_model.lm_head is None:
        raise ModelError(f"no language model is found inside {kind}: load its text model, and give that")
    setattr(model, prefix, inside)
    model.set_output_embeddings(hf_model.lm_head)
    model.config.architectures = [type(model).__name__]
    model.generation_config = hf_model.generation_config
    if left := [name for name, weight in model.named_parameters() if weight.is_meta]:
        raise ModelError(f"{kind} has no {left[0]!r}: load its text model, and give that")
    return model.eval()
