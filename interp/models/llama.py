"""A HookedTransformer from a Llama-type Hugging Face model: TransformerLens 3.x, which cannot read local folders."""

import warnings
from typing import TYPE_CHECKING, Any

from interp.models.architecture import HookedModel

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


def why_not(config: Any) -> str:
    """The empty string if this configuration fits a HookedTransformer, else why the bridge is used."""
    architecture = (config.architectures or ["this architecture"])[0]
    if config.model_type != "llama":
        return f"HookedTransformer cannot take {architecture} from a folder; TransformerBridge is used"
    rope = (getattr(config, "rope_parameters", None) or {}).get("rope_type", "default")
    if rope != "default":
        return f"HookedTransformer is not given rotary scaling {rope!r}; TransformerBridge is used"
    if config.attention_bias or config.mlp_bias:
        return "HookedTransformer takes no Llama with biases; TransformerBridge is used"
    return ""


def as_hooked_transformer(hf_model: "PreTrainedModel", tokenizer: "PreTrainedTokenizerBase", name: str) -> HookedModel:
    """The same weights, unprocessed, in a HookedTransformer on the same device and in the same dtype."""
    from transformer_lens import HookedTransformer, HookedTransformerConfig
    from transformer_lens.pretrained.weight_conversions.llama import convert_llama_weights

    config: Any = hf_model.config
    grouped = config.num_key_value_heads != config.num_attention_heads
    cfg = HookedTransformerConfig(
        model_name=name,
        original_architecture="LlamaForCausalLM",
        n_layers=config.num_hidden_layers,
        d_model=config.hidden_size,
        n_heads=config.num_attention_heads,
        n_key_value_heads=config.num_key_value_heads if grouped else None,
        d_head=config.head_dim,
        d_mlp=config.intermediate_size,
        d_vocab=config.vocab_size,
        n_ctx=config.max_position_embeddings,
        act_fn=config.hidden_act,
        eps=config.rms_norm_eps,
        normalization_type="RMS",
        final_rms=True,
        gated_mlp=True,
        positional_embedding_type="rotary",
        rotary_base=config.rope_parameters["rope_theta"],
        rotary_dim=config.head_dim,
        rotary_adjacent_pairs=False,
        tokenizer_prepends_bos=tokenizer("a").input_ids[:1] == [tokenizer.bos_token_id],
        device=str(hf_model.device),
        dtype=hf_model.dtype,
        init_weights=False,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # we know that 4.0 removed the class
        model: Any = HookedTransformer(cfg)
    model.load_and_process_state_dict(
        convert_llama_weights(hf_model, cfg),
        fold_ln=False,
        center_writing_weights=False,
        center_unembed=False,
        fold_value_biases=False,
        refactor_factored_attn_matrices=False,
    )
    model.tokenizer = tokenizer  # not set_tokenizer, which reloads it so that it adds a BOS
    model.generation_config = hf_model.generation_config  # which tokens end a turn
    return model.eval()
