#!/usr/bin/env bash
# transformers reads weights of a quantisation method that it does not know as if they were plain, without their scales.
#
# The folder is laid out as NVIDIA's ModelOpt writes FP8: `weight` in float8, `weight_scale` beside it, and
# `"quantization_config": {"quant_method": "modelopt"}`. `from_pretrained` warns that it skips the quantisation, raises
# nothing, and gives a model whose weights are the packed numbers: here each is its true value divided by its scale.
#
# Seen (29 November 2026, torch 2.13.0, a random Llama of one layer):
#   transformers 5.24.0: loaded; weights × scale equal the true ones, weights alone do not
#   transformers 5.23.0: loaded; weights × scale equal the true ones, weights alone do not
#
# Ends with status 0 if that is what it sees, else 1. Needs Python 3.11 or newer and a package index.
set -euo pipefail
seen=$(sed -n 's/^#   \(transformers .*\)/\1/p' "$0")
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
"${PYTHON:-python3}" -m venv "$place/env"
export HF_HUB_OFFLINE=1 OMP_NUM_THREADS=1

cat > "$place/packed.py" <<'PYTHON'
import json
import sys
from importlib.metadata import version
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM

torch.manual_seed(0)
folder, name, scale = Path(sys.argv[1]), "model.layers.0.mlp.up_proj.weight", 1 / 256
config = LlamaConfig(
    vocab_size=32, hidden_size=16, intermediate_size=24, num_hidden_layers=1, num_attention_heads=2,
    max_position_embeddings=32, architectures=["LlamaForCausalLM"],
)
LlamaForCausalLM(config).save_pretrained(folder)
weights = load_file(folder / "model.safetensors")
true = weights[name]
weights[name] = (true / scale).to(torch.float8_e4m3fn)
weights[f"{name}_scale"] = torch.tensor(scale)
save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
packed = {"quantization_config": {"quant_method": "modelopt", "quant_algo": "FP8"}}
(folder / "config.json").write_text(json.dumps(json.loads((folder / "config.json").read_text()) | packed))
read = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).state_dict()[name]


def says(one):
    return "equal" if torch.allclose(one, true, rtol=0.07, atol=1e-4) else "do not equal"


alone = "alone do not" if says(read) == "do not equal" else "alone do"
print(f"transformers {version('transformers')}: loaded; weights × scale {says(read * scale)} the true ones, weights {alone}")
PYTHON

for transformers in 5.24.0 5.23.0; do
    "$place/env/bin/python" -m pip install --quiet --disable-pip-version-check \
        torch==2.13.0 "transformers==$transformers" > "$place/pip.log" 2>&1 || { cat "$place/pip.log" >&2; exit 1; }
    "$place/env/bin/python" -W ignore "$place/packed.py" "$place/model-$transformers" 2> "$place/err.log" \
        | tee -a "$place/out.txt" || { cat "$place/err.log" >&2; exit 1; }
done
diff <(echo "$seen") "$place/out.txt"
