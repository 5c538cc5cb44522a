#!/usr/bin/env bash
# A bridge of TransformerLens 3.9.0 or 4.3.0 on transformers 5.24.0 takes a key-value cache and leaves it empty.
#
# Since 5.24.0 Hugging Face's layers hand their cache on as `cache`; the bridge's attention looks for `past_key_values`
# (or `layer_past`), finds neither, and computes as if there were no cache. No error: after a pass over six tokens the
# cache holds none, and two passes give other logits than one. `bridge.generate` caches by default. 5.23.0 is right.
#
# Seen (28 November 2026, torch 2.13.0, a random Llama of two layers):
#   transformer-lens 4.3.0, transformers 5.24.0: 0 of 6 tokens in the cache, two passes differ from one
#   transformer-lens 3.9.0, transformers 5.24.0: 0 of 6 tokens in the cache, two passes differ from one
#   transformer-lens 4.3.0, transformers 5.23.0: 6 of 6 tokens in the cache, two passes equal one
#
# Ends with status 0 if that is what it sees, else 1. Needs Python 3.11 or newer and a package index.
set -euo pipefail
seen=$(sed -n 's/^#   \(transformer-lens .*\)/\1/p' "$0")
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
"${PYTHON:-python3}" -m venv "$place/env"
export HF_HUB_OFFLINE=1 OMP_NUM_THREADS=1

cat > "$place/cache.py" <<'PYTHON'
import sys
from importlib.metadata import version

import torch
from tokenizers import Tokenizer, models
from transformer_lens.model_bridge import TransformerBridge
from transformers import DynamicCache, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

torch.manual_seed(0)
words = {f"w{i}": i for i in range(32)}
tokenizer = PreTrainedTokenizerFast(
    tokenizer_object=Tokenizer(models.WordLevel(words, unk_token="w0")),
    unk_token="w0", bos_token="w1", eos_token="w2", pad_token="w3", name_or_path="words", add_bos_token=True,
)
config = LlamaConfig(
    vocab_size=32, hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=2,
    max_position_embeddings=32, initializer_range=0.5, architectures=["LlamaForCausalLM"],
)
model = LlamaForCausalLM(config).eval()
bridge = TransformerBridge.boot_transformers("random llama", hf_model=model, tokenizer=tokenizer)
tokens = torch.arange(4, 14)[None]
cache = DynamicCache()
with torch.inference_mode():
    whole = bridge(tokens, return_type="logits")
    bridge(tokens[:, :6], return_type="logits", past_key_values=cache, use_cache=True)
    held = cache.get_seq_length()
    parts = bridge(tokens[:, 6:], return_type="logits", past_key_values=cache, use_cache=True)
equal = "equal" if torch.allclose(parts, whole[:, 6:], atol=1e-4) else "differ from"
names = ("transformer-lens", "transformers")
print(", ".join(f"{name} {version(name)}" for name in names), end=": ")
print(f"{held} of 6 tokens in the cache, two passes {equal} one")
PYTHON

for pair in "4.3.0 5.24.0" "3.9.0 5.24.0" "4.3.0 5.23.0"; do
    read -r lens transformers <<< "$pair"
    "$place/env/bin/python" -m pip install --quiet --disable-pip-version-check \
        torch==2.13.0 "transformer-lens==$lens" "transformers==$transformers" > "$place/pip.log" 2>&1 \
        || { cat "$place/pip.log" >&2; exit 1; }
    "$place/env/bin/python" -W ignore "$place/cache.py" 2> "$place/err.log" | tee -a "$place/out.txt" \
        || { cat "$place/err.log" >&2; exit 1; }
done
diff <(echo "$seen") "$place/out.txt"
