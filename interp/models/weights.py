"""Whether the weights of a model are where they can be used."""

from typing import Any

from interp.errors import ModelError


def check_in_memory(model: Any) -> None:
    """Raise ModelError for a model whose weights are elsewhere."""
    if any(weight.is_meta for weight in model.parameters()):
        raise ModelError(
            "some weights are not in memory (they are offloaded, or were never loaded): load the model whole, with "
            "device='cpu' or device='spread'"
        )


def check_causal(hf_model: Any) -> None:
    """Raise ModelError for a Hugging Face model that is no causal language model, or is not in memory."""
    check_in_memory(hf_model)
    kind = type(hf_model).__name__
    if getattr(hf_model.config, "is_encoder_decoder", False):
        raise ModelError(f"{kind} has an encoder: interp reads models that have a decoder only, such as GPT or Llama")
    if hasattr(hf_model, "can_generate") and not hf_model.can_generate():
        raise ModelError(f"{kind} is no causal language model: load it as AutoModelForCausalLM")
