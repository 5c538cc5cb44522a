#!/usr/bin/env bash
# The bridge of OpenAI's first GPT has a hook point `hook_resid_post` that never fires.
#
# `OpenAIGPTLMHeadModel`'s blocks return a list; `BlockBridge._apply_output_hook` hooks a tuple or a tensor and hands
# anything else on as it is. The hook point is in `hook_dict`, so a hook is added without an error and never called, and
# `run_with_cache` lacks the residual stream after every block. `hook_resid_pre` fires.
#
# Seen (29 November 2026, torch 2.13.0, a random model of two layers):
#   transformer-lens 3.9.0, transformers 5.23.0: fired: resid_pre
#   transformer-lens 4.3.0, transformers 5.24.0: fired: resid_pre
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


def random_model(kind, **settings):
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(kind, **settings), attn_implementation="eager").eval()
    model.config.architectures = [type(model).__name__]
    return model


model = random_model("openai-gpt", vocab_size=32, n_positions=32, n_embd=32, n_layer=2, n_head=4)
bridge = TransformerBridge.boot_transformers("random gpt", hf_model=model, tokenizer=tokenizer)
fired = []
for name in ("blocks.0.hook_resid_pre", "blocks.0.hook_resid_post"):
    bridge.hook_dict[name].add_hook(lambda tensor, hook, name=name: fired.append(name.split("hook_")[1]))
with torch.inference_mode():
    bridge(tokens, return_type="logits")
print(f"fired: {', '.join(sorted(set(fired)))}")
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
