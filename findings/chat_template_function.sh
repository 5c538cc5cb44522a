#!/usr/bin/env bash
# A function that is given to a chat template as a variable becomes a text: transformers 5.23.0 and 5.24.0.
#
# `apply_chat_template(..., strftime_now=f)` hands further keywords to the template, whose variables hide what the
# environment defines. So a fixed clock for templates that ask for the date seems to be one keyword. But every value that
# is no plain JSON is replaced by a text with the name of its type: the template calls "<function>", which is an error
# ('str' object is not callable), or, if it only writes the variable, the prompt silently holds that text.
#
# Seen (29 November 2026):
#   transformers 5.23.0: called: TypeError; written: Today: <function>
#   transformers 5.24.0: called: TypeError; written: Today: <function>
#
# Ends with status 0 if that is what it sees, else 1. Needs Python 3.11 or newer and a package index.
set -euo pipefail
seen=$(sed -n 's/^#   \(transformers .*\)/\1/p' "$0")
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
"${PYTHON:-python3}" -m venv "$place/env"
export HF_HUB_OFFLINE=1

cat > "$place/template.py" <<'PYTHON'
from importlib.metadata import version

from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast


def today(form: str = "") -> str:
    return "1 January 2025"


words = Tokenizer(models.WordLevel({"w0": 0}, unk_token="w0"))
tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, unk_token="w0")
turns = [{"role": "user", "content": "w0"}]
try:
    tokenizer.apply_chat_template(turns, chat_template="{{ clock('%d') }}", tokenize=False, clock=today)
    called = "the function's value"
except Exception as error:
    called = type(error).__name__
written = tokenizer.apply_chat_template(turns, chat_template="Today: {{ clock }}", tokenize=False, clock=today)
print(f"transformers {version('transformers')}: called: {called}; written: {written}")
PYTHON

for transformers in 5.23.0 5.24.0; do
    "$place/env/bin/python" -m pip install --quiet --disable-pip-version-check \
        "transformers==$transformers" jinja2==3.1.6 > "$place/pip.log" 2>&1 || { cat "$place/pip.log" >&2; exit 1; }
    "$place/env/bin/python" -W ignore "$place/template.py" 2> "$place/err.log" | tee -a "$place/out.txt" \
        || { cat "$place/err.log" >&2; exit 1; }
done
[ "$(cat "$place/out.txt")" = "$seen" ]
