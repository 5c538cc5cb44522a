#!/usr/bin/env bash
# A Falcon of the new decoder architecture (40B, 180B, 11B) with few key-value heads has no bridge.
#
# `falcon` adapters split the joint projection of queries, keys and values into [d_model, kv, kv], as for multi-query
# attention. In the new architecture it holds, for each key-value head, its queries, a key and a value.
#
# Seen (29 November 2026, torch 2.13.0, a random model of two layers):
#   transformer-lens 3.9.0, transformers 5.23.0: RuntimeError: split_with_sizes expects split_sizes
#   transformer-lens 4.3.0, transformers 5.24.0: RuntimeError: split_with_sizes expects split_sizes
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


try:
    model = random_model(
        "falcon", vocab_size=32, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, num_kv_heads=2,
        new_decoder_architecture=True, ffn_hidden_size=48, bos_token_id=1, eos_token_id=2, pad_token_id=3,
    )
    TransformerBridge.boot_transformers("random falcon", hf_model=model, tokenizer=tokenizer)
    print("boots")
except RuntimeError as error:
    print(f"RuntimeError: {str(error).split(' to sum')[0]}")
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
