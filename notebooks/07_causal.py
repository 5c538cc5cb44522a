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
# # Which bright cells matter?
#
# A probe says what can be read from a state, attention says what is looked at; neither says what the model uses. Here the
# same layer × token grid is filled with what a state *does*: that of a right sample is put into a wrong one and the
# reverse, and the question is how far the model's answer moves. The model is the small one that comes with the package;
# what holds for it is said by the numbers below.

# %%
import tempfile
from pathlib import Path

import interp
from interp import demo

run = interp.run(
    model=demo.model_path(),
    data=demo.questions_path(),
    out=Path(tempfile.mkdtemp()) / "causal",
    limit=160,
    prompt_template=demo.PROMPT_TEMPLATE,
    max_new_tokens=demo.MAX_NEW_TOKENS,
    permutations=0,
    controls=False,
)
run.answers

# %% [markdown]
# ## What would the model say here?
# The logit lens: every state through the model's own last norm and unembedding. Rank of the first token of the answer it
# is about to give (0: it would say it now), and of the right answer's, among the samples that end up wrong.

# %%
lens = interp.lens_grid(run)
before = lens["median_rank"].sel(token="exact_answer_before_first")
before.sel(label="wrong").to_pandas()

# %% [markdown]
# ## What does a state do?
# Pairs of a right and a wrong sample of one question template. `effect` is the share of the difference of their outcomes,
# ln P(the right sample's answer) − ln P(the wrong one's), that the other's state moves. A cell at or after the answer
# cannot move it: undefined, with the reason.

# %%
causal = interp.patch_grid(run, pairs=24, match="roles", controls=["same_label", "random_direction"])
causal["effect"].sel(direction="both").to_pandas().dropna(axis="columns").round(2)

# %% [markdown]
# A large effect alone says little: any other state disturbs. Beside it stand a donor with the recipient's *own* label and
# a step as long in a random direction; only what goes beyond the first speaks of right and wrong.

# %%
from interp.reporting.causal_words import causal_sentences

print("\n".join(causal_sentences(causal)))

# %%
from interp.reporting.causal_plot import plot_causal

figure = plot_causal(causal)

# %% [markdown]
# ## Does the probe's direction move the answer?
# The state of one cell pushed along the probe's direction (fitted without the sample's fold), by standard deviations of
# the samples along it, beside random directions and probes of arbitrary labels. Where the placebo does as much, what the
# probe reads is not what the model uses.

# %%
cell = (4, "exact_answer_before_first")
doses = interp.dose_response(run, cell=cell, doses=[-4, -2, 2, 4], pairs=24, draws=20)
doses["change"].sel(among="all").to_pandas().round(2)

# %%
from interp.reporting.steering_words import steering_sentences

print("\n".join(steering_sentences(doses)))

# %% [markdown]
# On the command line: `interp lens DIR`, `interp causal DIR`, `interp steer DIR`; each adds a section to the run's report,
# `interp causal` with the three grids side by side: what can be read, what is looked at, what matters.
