#!/usr/bin/env bash
# lm-evaluation-harness writes a list of references into its sample logs as the text that Python prints of it.
#
# `--log_samples` writes one JSON object a line, and calls `str` on the target of every sample: the references
# ["Rome", "Roma"] stand there as the JSON text "['Rome', 'Roma']", as does the one reference that is this text. Who
# reads the log gets a text that is no reference, and cannot tell the two apart; the target's hash is the same too.
#
# Seen (30 November 2026, the harness's own model `dummy`):
#   lm-eval 0.4.13: a list gives "['Rome', 'Roma']", the text gives "['Rome', 'Roma']", hashes equal: True
#
# Ends with status 0 if that is what it sees, else 1. Needs Python 3.11 or newer and a package index.
set -euo pipefail
seen=$(sed -n 's/^#   \(lm-eval .*\)/\1/p' "$0")
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
export HF_HUB_OFFLINE=1 HF_DATASETS_OFFLINE=1 OMP_NUM_THREADS=1

cat > "$place/logged.py" <<'PYTHON'
import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

folder = Path(sys.argv[1])
folder.mkdir()
found = {}
for name, answer in {"list": ["Rome", "Roma"], "text": "['Rome', 'Roma']"}.items():
    (folder / f"{name}.jsonl").write_text(json.dumps({"question": "Which?", "answer": answer}) + "\n")
    (folder / f"{name}.yaml").write_text(
        f"task: {name}\ndataset_path: json\ndataset_kwargs: {{data_files: {{test: {folder}/{name}.jsonl}}}}\n"
        'test_split: test\noutput_type: generate_until\ndoc_to_text: "{{question}}"\ndoc_to_target: answer\n'
        "generation_kwargs: {until: ['.']}\nmetric_list: [{metric: bypass}]\n"
    )
    subprocess.run(
        [sys.executable, "-m", "lm_eval", "--model", "dummy", "--tasks", name, "--include_path", folder,
         "--log_samples", "--output_path", folder / "out"],
        check=True, stdout=sys.stderr,
    )
    (log,) = (folder / "out").rglob(f"samples_{name}_*.jsonl")
    found[name] = json.loads(log.read_text())
a, b = found["list"], found["text"]
print(
    f"lm-eval {version('lm_eval')}: a list gives {json.dumps(a['target'])}, the text gives {json.dumps(b['target'])}, "
    f"hashes equal: {a['target_hash'] == b['target_hash']}"
)
PYTHON

"${PYTHON:-python3}" -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --disable-pip-version-check lm-eval==0.4.13 datasets==5.2.0 evaluate==0.4.6 \
    > "$place/pip.log" 2>&1 || { cat "$place/pip.log" >&2; exit 1; }
"$place/env/bin/python" -W ignore "$place/logged.py" "$place/run" 2> "$place/err.log" > "$place/out.txt" \
    || { cat "$place/err.log" >&2; exit 1; }
cat "$place/out.txt"
diff <(echo "$seen") "$place/out.txt"
