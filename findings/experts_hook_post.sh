#!/usr/bin/env bash
# `mlp.hook_post` of a mixture of experts (Mixtral) is the MLP's output, d_model wide.
#
# Of a dense MLP `blocks.0.mlp.hook_post` is what goes into the output projection, d_mlp wide. Of a mixture of experts
# the same name is there, fires, and holds the very tensor of `hook_mlp_out`.
#
# Seen (29 November 2026, torch 2.13.0, a random model of two layers):
#   transformer-lens 3.9.0, transformers 5.23.0: d_model 32, d_mlp 24; mlp.hook_post is 32 wide and equals hook_mlp_out
#   transformer-lens 4.3.0, transformers 5.24.0: d_model 32, d_mlp 24; mlp.hook_post is 32 wide and equals hook_mlp_out
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


model = random_model("mixtral", **sizes, num_key_value_heads=2, num_local_experts=4, num_experts_per_tok=2)
bridge = TransformerBridge.boot_transformers("random mixtral", hf_model=model, tokenizer=tokenizer)
seen = {}
for site in ("mlp.hook_post", "hook_mlp_out"):
    bridge.hook_dict[f"blocks.0.{site}"].add_hook(lambda t, hook, site=site: seen.update({site: t}))
with torch.inference_mode():
    bridge(tokens, return_type="logits")
post, out = seen["mlp.hook_post"], seen["hook_mlp_out"]
equal = "equals" if post.shape == out.shape and torch.equal(post, out) else "differs from"
print(f"d_model 32, d_mlp 24; mlp.hook_post is {post.shape[-1]} wide and {equal} hook_mlp_out")
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
