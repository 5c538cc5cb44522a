#!/usr/bin/env bash
# `hook_z` of latent attention (DeepSeek V3) is cut into the wrong number of heads.
#
# Values are `v_head_dim` wide, but the bridge cuts what goes into the output projection by `d_head` (hidden size by
# heads): four heads of 12 become six of 8, most of which mix two real ones. The numbers, laid flat, are right. `v` (and
# `q`, `k`) has its heads before the tokens, as in no other architecture.
#
# Seen (29 November 2026, torch 2.13.0, a random model of two layers):
#   transformer-lens 3.9.0, transformers 5.23.0: v (1, 4, 10, 12), z (1, 10, 6, 8); pattern @ v, laid flat, equals z
#   transformer-lens 4.3.0, transformers 5.24.0: v (1, 4, 10, 12), z (1, 10, 6, 8); pattern @ v, laid flat, equals z
#
# Ends with status 0 if that is what it sees, else 1. Needs Python 3.11 or newer and a package index.
set -euo pipefail
seen=$(sed -n 's/^#   \(transformer-lens .*\)/\1/p' "$0")
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
"${PYTHON:-python3}" -m venv "$place/env"
export HF_HUB_OFFLINE=1 OMP_NUM_THREADS=1

cat > "$place/seen.py" <<'PYTHON'
from importlib.metadata import version

import torch
from tokenizers import Tokenizer, models
from transformer_lens.model_bridge import TransformerBridge
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedTokenizerFast

words = {f"w{i}": i for i in range(32)}
tokenizer = PreTrainedTokenizerFast(
    tokenizer_object=Tokenizer(models.WordLevel(words, unk_token="w0")),
    unk_token="w0", bos_token="w1", eos_token="w2", pad_token="w3", name_or_path="words", add_bos_token=True,
)
names = ("transformer-lens", "transformers")
print(", ".join(f"{name} {version(name)}" for name in names), end=": ")
tokens = torch.arange(4, 14)[None]
sizes = {
    "vocab_size": 32, "hidden_size": 32, "intermediate_size": 24, "num_hidden_layers": 2, "num_attention_heads": 4,
    "max_position_embeddings": 32, "initializer_range": 0.2, "pad_token_id": 3, "bos_token_id": 1, "eos_token_id": 2,
}


def random_model(kind, **settings):
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(kind, **settings), attn_implementation="eager").eval()
    model.config.architectures = [type(model).__name__]
    return model


model = random_model(
    "deepseek_v3", **sizes, num_key_value_heads=4, q_lora_rank=16, kv_lora_rank=16, qk_nope_head_dim=8,
    qk_rope_head_dim=8, v_head_dim=12, first_k_dense_replace=2, n_routed_experts=4, n_group=1, topk_group=1,
)
bridge = TransformerBridge.boot_transformers("random deepseek", hf_model=model, tokenizer=tokenizer)
seen = {}
for site in ("pattern", "v", "z"):
    bridge.hook_dict[f"blocks.0.attn.hook_{site}"].add_hook(lambda t, hook, site=site: seen.update({site: t}))
with torch.inference_mode():
    bridge(tokens, return_type="logits")
v, z = seen["v"], seen["z"]
right = (seen["pattern"] @ v).transpose(1, 2)
equal = "equals" if torch.allclose(right.flatten(2), z.flatten(2), atol=1e-5) else "differs from"
print(f"v {tuple(v.shape)}, z {tuple(z.shape)}; pattern @ v, laid flat, {equal} z")
PYTHON

for pair in "3.9.0 5.23.0" "4.3.0 5.24.0"; do
    read -r lens transformers <<< "$pair"
    "$place/env/bin/python" -m pip install --quiet --disable-pip-version-check \
        torch==2.13.0 "transformer-lens==$lens" "transformers==$transformers" > "$place/pip.log" 2>&1 \
        || { cat "$place/pip.log" >&2; exit 1; }
    "$place/env/bin/python" -W ignore "$place/seen.py" 2> "$place/err.log" | tee -a "$place/out.txt" \
        || { cat "$place/err.log" >&2; exit 1; }
done
diff <(echo "$seen") "$place/out.txt"
