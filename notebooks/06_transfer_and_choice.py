# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#       jupytext_version: 1.19.6
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Beyond the heatmap: transfer, error types, choosing among answers
#
# Orgad et al. go on from their heatmap to three questions: does a probe of one task work on another (section 4), can the
# *kind* of error be read before it is made twice (section 5), and does the probe pick better answers than the model gives
# (section 6)? Each is one function here. The model is the small one that comes with the package; what holds for it is
# said by the numbers below, not by the paper.

# %%
import tempfile
from pathlib import Path

import interp
from interp import demo

run = interp.run(
    model=demo.model_path(),
    data=demo.questions_path(),
    out=Path(tempfile.mkdtemp()) / "sampled",
    limit=120,
    prompt_template=demo.PROMPT_TEMPLATE,
    max_new_tokens=demo.MAX_NEW_TOKENS,
    samples_per_question=6,
    temperature=1.0,
    greedy_too=True,
    permutations=0,
    controls=False,
)
run.answers

# %% [markdown]
# Every question was answered seven times: once greedily, six times drawn at temperature 1. All answers to one question
# form one group, so that no probe is scored on a question that it was fitted on.
#
# ## Which kinds of error are there?
# Whether the draws agree, and on what, sorts the questions into the paper's types. A question may be of several types, or
# of none.

# %%
types = interp.error_types(run, permutations=0)
types[["title", "share", "share_low", "share_high", "n_of_type"]].to_dataframe().round(2)

# %% [markdown]
# Each type is then probed against the rest on the states of the greedy answers. A type with too few questions has no grid,
# and says why.

# %%
types[["best_auc", "best_low", "best_high", "best_reason"]].to_dataframe().round(2)

# %% [markdown]
# ## Does the probe choose better answers?
# Among the draws of a question: the one with the highest score of a probe that never saw the question, against the greedy
# answer, a random one, the most frequent and the most probable. The oracle is right where any draw is.

# %%
choice = interp.choose_answers(run)
overall = choice.sel(type="all")
overall[["accuracy", "low", "high"]].to_dataframe()[["accuracy", "low", "high"]].round(3)

# %%
against = overall.sel(reference="greedy")
against[["delta", "delta_low", "delta_high", "q"]].to_dataframe()[["delta", "delta_low", "delta_high", "q"]].round(3)

# %% [markdown]
# ## Does a probe carry over?
# The same run taken apart by how a question is put: trained on the answers to plain questions, tested on those that come
# with a story, and the other way round. The diagonal is cross-fitted. `by="template"` would take each of the templates for
# itself, `interp.transfer([run_a, run_b, …])` whole runs.

# %%
plain = ("Which", "Where", "What", "In")
parts = {
    id: "plain" if question.startswith(plain) else "story"
    for id, question in zip(run.answers.id, run.answers.question, strict=True)
}
matrix = interp.transfer(run, by=parts)
matrix["auc"].to_pandas().round(2)

# %%
from interp.reporting.transfer_words import transfer_sentences

print("\n".join(transfer_sentences(matrix)))

# %% [markdown]
# On the command line the same are `interp errors DIR`, `interp choose DIR` and `interp transfer DIR DIR … --out OUT`; they
# add a section to the run's report, or write a page of their own.
