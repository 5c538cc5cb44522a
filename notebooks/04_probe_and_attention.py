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
# # Probe against attention
#
# The published heatmap is often read as "where the model looks". It is not: each cell is the AUC of a linear probe on a
# vector. What attention itself tells of an answer is another grid, on the same samples, folds and unit. This notebook draws both and
# asks where they agree, what of the difference is only dimension, and which heads carry what there is.

# %%
import interp
from interp import demo

model = interp.load_model(demo.model_path())
rows = interp.load_rows(demo.questions_path())[:240]
answers = interp.generate_answers(model, rows, prompt_template=demo.PROMPT_TEMPLATE, max_new_tokens=demo.MAX_NEW_TOKENS)
positions = interp.resolve_positions(answers)
cap = interp.capture(model, answers, positions)
cap

# %% [markdown]
# ## What is kept of attention
# The pattern of a layer, *head × query × key*, is reduced as it appears: for every head and every role, the entropy of where
# it looks, how much of it goes to the question, to the exact answer, to the first token, and what the position receives from
# later ones. The same numbers can be had from any pattern.

# %%
{name: tuple(values.shape) for name, values in cap.attention.items()}

# %% [markdown]
# ## Both grids

# %%
probe = interp.probe_grid(cap, answers.correct, answers.group)
attention = interp.attention_grid(cap, answers.correct, answers.group)
comparison = interp.compare_grids(probe, attention)
axes = interp.plot_comparison(probe, attention, comparison=comparison)

# %%
comparison.table().dropna(subset=["value"]).nlargest(3, "value")[["layer", "token", "value", "low", "high", "q"]]

# %% [markdown]
# The correlation of the two grids over cells says whether they are bright in the same places; it says nothing about why.

# %%
print({name: round(value, 2) for name, value in comparison.correlation.items() if isinstance(value, float)})

# %% [markdown]
# ## Is the difference one of dimension?
# A probe on 128 numbers may beat one on a few dozen because it has more of them. `matched_width_grid` cuts the states to the
# attention probe's width by principal components of the training folds; `gain_grid` asks what the metrics add to the states.

# %%
widths = sorted({int(n) for n in attention["n_features"].values.ravel()})
matched = interp.matched_width_grid(cap, answers.correct, attention, answers.group)
same_width = interp.compare_grids(matched, attention, names=("states, as narrow", "attention"))
print(f"width of the attention probe: {widths}, of the states: {cap.resid.shape[-1]}")
whole, narrow = (one.delta_auc["delta"].mean().item() for one in (comparison, same_width))
print(f"mean ΔAUC: whole {whole:+.3f}, as narrow {narrow:+.3f}")

# %% [markdown]
# ## A metric, a head
# Each metric by itself, averaged over heads: an AUC below 0.5 means *lower when correct*. Then the one that tells most, head
# by head.

# %%
alone = attention["metric_auc"]
strongest = abs(alone - 0.5).max(("layer", "token")).to_series().sort_values(ascending=False)
strongest.round(3)

# %%
metric = strongest.index[0]
ax = interp.plot_grid(attention.sel(metric=metric), value="metric_auc", embed=False, title=metric)

# %%
token = abs(alone.sel(metric=metric) - 0.5).max("layer").idxmax("token").item()
ax = interp.plot_heads(cap, answers.correct, token, metric=metric, groups=answers.group)

# %% [markdown]
# A head that tells right from wrong is a correlate, as a probe is. Whether anything hangs on it is asked by intervention:
# notebook 07.
