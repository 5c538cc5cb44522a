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
# # What a run says: observations, controls, and a probe for use
#
# A finished run answers more than "where is the heatmap bright". This notebook makes a small run with the model that comes
# with the package and reads it: the five published observations as tests, the controls beside the best cell, what
# attention adds, thresholds for use, and a probe as a direction in a hook. Two hundred and fifty questions are few: many verdicts
# will be *undecided*, and that is what they should be.

# %%
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import torch

import interp
from interp import demo

out = Path(tempfile.mkdtemp()) / "run"
run = interp.run(
    model=demo.model_path(),
    data=demo.questions_path(),
    out=out,
    limit=250,
    permutations=100,
    prompt_template=demo.PROMPT_TEMPLATE,
    max_new_tokens=demo.MAX_NEW_TOKENS,
)
*sentences, report = run.summary().splitlines()  # the last one says where the report is
print("\n".join(sentences))

# %%
ax = interp.plot_grid(run.probe)

# %% [markdown]
# A run folder can be opened again at any time with `interp.open_run(out)`; everything below reads only what is stored.
#
# ## The five observations
# Orgad et al. describe their heatmap in five statements. Each is tested here with one number and its interval
# (the third with two, so the table has six rows): a claim that
# one thing is larger holds if the interval lies above 0; a claim that two things are equal holds only if the interval lies
# within ±0.05. No verdict is a property of language models: it speaks of this model and these questions.

# %%
observed = interp.observations(run).set_index("name")
observed[["value", "low", "high", "verdict", "claim"]].round(3)

# %%
for _, row in observed.iterrows():
    print(f"{row.verdict:>10}: {row.claim}\n            {row.note}")

# %% [markdown]
# **Reading it.** The verdict belongs to the difference, not to the two levels. A column that mostly names the same token as
# the exact answer is left out of the contrast for those samples (the note counts them): otherwise a column would be
# compared with itself.
#
# ## Is there signal at all, and is the place sure?
# `p_corrected` compares each cell with the best cell of every label permutation. The nested AUC of the best cell is chosen
# without the fold that it is counted on. The peak set holds the cells that win in 95 % of the resamples: if it is long, the
# place of the maximum is not known.

# %%
best = run.comparison["best"]["probe"]
print("cells with p_corrected < 0.05:", int((run.probe["p_corrected"] < 0.05).sum()), "of", run.probe["auc"].size)
print("highest cell:", best["cell"], f"AUC {best['auc']:.3f}")
print("chosen without the fold:", {k: round(best["nested"][k], 3) for k in ("value", "low", "high")})
print("cells in the peak set:", len(best["peak_set"]))

# %% [markdown]
# ## What else would explain it?
# Each control gets its own number at the best cell, or for all cells where it reads no layer. A control close to the first
# row may explain it; the mean log-probability of the answer needs no probe at all.

# %%
controls = pd.DataFrame(run.comparison["controls"]["summary"]).set_index("name")
controls[["value", "low", "high", "note"]].round(3)

# %% [markdown]
# ## Does attention add anything?
# The attention probe has fewer columns than the residual stream. A residual probe cut to the same width (principal
# components of the training folds) shows what of a difference is only dimension; the gain is what the attention metrics
# add to the vector.

# %%
from interp.reporting.difference_words import width_sentences

print("\n".join(width_sentences(run.comparison)))

# %% [markdown]
# ## For use: when should the answer be believed?
# A fold is judged by a threshold and a sigmoid that were set on the other folds. *Recall* is the share of correct answers
# that are believed while at most `rate` of the wrong ones should be; `false_positives` is what that came to on held-out
# answers. One per cent cannot be promised from fewer than 99 wrong answers in the other folds: where there are fewer, no
# threshold is low enough, nothing is believed, and the recall is 0.

# %%
use = interp.selective(run)
pd.DataFrame(
    {
        name: [f"{v.value:.2f} [{v.low:.2f}, {v.high:.2f}]" for v in (getattr(p, name) for p in use.points)]
        for name in ("recall", "false_positives", "threshold")
    },
    index=pd.Index([p.rate for p in use.points], name="rate"),
)

# %%
ax = interp.plot_risk_coverage(use)

# %%
half = use.risk[use.coverage <= 0.5][-1]
print(f"Wrong answers: {use.aurc_chance:.0%} of all, {half:.0%} of the surest half.")
print(f"Brier score {use.reliability.brier:.3f} against {use.reliability.brier_base:.3f} for the base rate alone.")

# %% [markdown]
# The probability is on one scale for all folds, so one curve can be drawn through them. The distance between the probe's
# line and chance is what the states are worth to somebody who may abstain; the distance to the oracle is what is missing.
#
# ## The probe itself, as a direction
# The run keeps the probe of its highest cell: weights in the space of the residual stream, no pickle.

# %%
probe = interp.load_probe(run.folder.best_probe)
print(f"{probe.hook_point} at {probe.role}: AUC {probe.auc:.2f} [{probe.low:.2f}, {probe.high:.2f}], {probe.protocol}")
probe.score(run)[:5]  # in-sample: this run's answers were its training samples

# %% [markdown]
# The same direction works in TransformerLens hooks. Projected out, every vector has the same score; added, the score rises
# by `alpha` times the length of the direction. Whether the model's *answers* change is an experiment of its own: a probe
# that reads a direction does not prove that the model uses it.

# %%
model = interp.load_model(demo.model_path())
ids = torch.tensor([run.answers.prompt_ids[0] + run.answers.completion_ids[0]])


def scores(*hooks):
    seen = []
    look = (probe.hook_point, lambda vectors, hook: seen.append(probe.score(vectors)))
    model.run_with_hooks(ids, fwd_hooks=[*hooks, look])
    return seen[0][0]


plain, ablated, steered = scores(), scores(probe.ablate()), scores(probe.steer(2.0))
print("spread of the score over tokens:", f"{plain.std():.3f}, ablated {ablated.std():.1e}")
print("steered by 2:", f"{(steered - plain).mean():.3f}, predicted {2.0 * probe.direction.norm():.3f}")
assert ablated.std() < 1e-3 * plain.std()
np.testing.assert_allclose(steered - plain, 2.0 * float(probe.direction.norm()), rtol=1e-3)

# %% [markdown]
# ## Two sites, two models, two data sets
# `interp.compare_runs` takes any number of grids. Here the same samples with another estimator; with other samples the
# difference has the variance of both, and questions that both grids share are paired.

# %%
other = interp.probe_grid(run, probe="mass-mean")  # the run's samples, labels and folds
both = interp.compare_runs({"logistic": run, "mass-mean": other})
print(both["samples"].item(), f"mean difference {both['mean_delta'].item():+.3f}", end=" ")
print(f"[{both['mean_low'].item():+.3f}, {both['mean_high'].item():+.3f}]")
