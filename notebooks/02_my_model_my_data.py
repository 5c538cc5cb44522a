# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # My model, my data
#
# You have a causal language model and questions, or answers that some other tool has already written. This notebook
# brings both to `interp`: a Hugging Face model that is in memory, rows from a data frame, a file and a log, completions
# that are not asked again. The model stands for yours: it is the small one that comes with the package, loaded as any
# other.

# %%
import dataclasses
import json
import tempfile
from pathlib import Path

import pandas as pd
from transformers import AutoModelForCausalLM, AutoTokenizer

import interp
from interp import demo

folder = Path(tempfile.mkdtemp())
hf = AutoModelForCausalLM.from_pretrained(demo.model_path())
tokenizer = AutoTokenizer.from_pretrained(demo.model_path())

# %% [markdown]
# ## The model
# `load_model` takes a Hugging Face model with its tokenizer, a name, a folder, a GGUF file, or a hooked model of
# TransformerLens. What it cannot hook rightly it refuses in a sentence; nothing is guessed.

# %%
model = interp.load_model(hf, tokenizer=tokenizer)
type(model).__name__

# %% [markdown]
# ## The rows
# A row is a question and its accepted answers. `group` keeps questions about one thing out of each other's training folds;
# other columns are kept aside. A data frame, a CSV, Parquet or JSON Lines file, or a published data set by name do as
# well.

# %%
frame = pd.DataFrame(
    [json.loads(line) for line in Path(demo.questions_path()).read_text(encoding="utf-8").splitlines()]
).head(160)
frame.head(3)

# %%
rows = interp.load_rows(frame)
file = folder / "questions.csv"
frame.assign(answer=frame["answer"].map(json.dumps)).to_csv(file, index=False)
assert [row.question for row in interp.load_rows(file)] == [row.question for row in rows]
rows[0]

# %% [markdown]
# A row that cannot be used stops the file and is named: line, what was expected, what came.

# %%
try:
    interp.load_rows([{"question": "Where is Lyon?", "answer": ["France"]}, {"question": "Where is Turin?"}])
except interp.InterpError as error:
    print(error)

# %% [markdown]
# ## What would a run take?
# `plan` reads rows and model as `run` would, writes nothing, and says what would be left out and why.

# %%
template = demo.PROMPT_TEMPLATE
interp.plan(
    model=model, data=rows, prompt_template=template, max_new_tokens=demo.MAX_NEW_TOKENS, out=folder / "run", time=False
)

# %% [markdown]
# ## Ask, or bring the answers
# The model answers now, or the rows bring a `completion` (better `completion_ids`) from another engine: then the model only
# reads it. Both end in the same `Answers`.

# %%
asked = interp.generate_answers(model, rows, prompt_template=template, max_new_tokens=demo.MAX_NEW_TOKENS)
asked

# %%
given = [
    dataclasses.replace(row, completion_ids=tuple(ids)) for row, ids in zip(rows, asked.completion_ids, strict=True)
]
brought = interp.generate_answers(model, given, prompt_template=template)
assert brought.correct == asked.correct and brought.exact_answer == asked.exact_answer
print(asked.correct.count(True), "right,", asked.correct.count(False), "wrong,", asked.correct.count(None), "unknown")

# %% [markdown]
# Logs of lm-evaluation-harness, Inspect, and batches of vLLM or OpenAI are read by the same function:
# `interp.load_rows("samples_task.jsonl")`, `interp.load_rows("log.eval")`.
#
# ## Look before you count
# Are the labels what you mean? Another rule (`correct="normalised"`, `"numeric"`, `"choice"`, a judge, a function) may fit
# better, or the rows bring the label themselves.

# %%
table = asked.table()[["question", "text", "correct", "exact_answer", "status"]]
table.groupby("correct").head(2)

# %% [markdown]
# ## Everything at once
# One call makes both grids, the controls and a page to send around; it can be stopped and goes on where it was. Few
# permutations here, because this is a try.

# %%
run = interp.run(
    model=demo.model_path(),
    data=file,
    out=folder / "run",
    prompt_template=template,
    max_new_tokens=demo.MAX_NEW_TOKENS,
    permutations=50,
    controls=False,
)
ax = interp.plot_grid(run)

# %% [markdown]
# What the folder holds: settings and versions, samples as JSON Lines, activations in shards with checksums, `grid.nc`,
# `grid.csv`, `comparison.json`, figures, `report.html`.

# %%
sorted(path.name for path in run.folder.path.iterdir())
