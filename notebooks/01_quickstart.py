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
# # Quickstart: from a hooked model to the two grids
#
# A language model answers factual questions, sometimes wrongly. Which of its internal states tell the two apart, at
# which layer and at which token? This notebook goes through the flow of `interp run` step by step, on the small model
# that comes with the package: every step is one function, and every result is an ordinary tensor or `xarray.Dataset`.

# %%
import interp
from interp import demo

model = interp.load_model(demo.model_path())
type(model).__name__

# %% [markdown]
# On TransformerLens 3.x that is a `HookedTransformer`, on 4.x its successor `TransformerBridge`; `load_model` also takes
# one that you already have (with your own hooks on it, they stay), a Hugging Face name, a folder or a GGUF file.
#
# ## Rows → answers
# The questions carry only true facts. The model answers them here and now; an answer is right if an accepted string
# stands in it, and its *exact answer* is located by one rule that does not know which answers are right.

# %%
rows = interp.load_rows(demo.questions_path())
answers = interp.generate_answers(model, rows, prompt_template=demo.PROMPT_TEMPLATE, max_new_tokens=demo.MAX_NEW_TOKENS)
print(f"{len(rows)} questions, {sum(answers.correct) / len(rows):.0%} answered rightly\n")
for i in range(4):
    print("right" if answers.correct[i] else "wrong", "|", answers.question[i], "→", answers.text[i].strip())

# %% [markdown]
# ## Answers → positions
# Fifteen token positions, as indices into `prompt_ids + completion_ids`. A role that a sample lacks is absent: masked and
# counted, never clamped.

# %%
positions = interp.resolve_positions(answers)
{role: int(n) for role, n in zip(positions.roles, positions.valid.sum(0))}

# %% [markdown]
# ## Positions → activations
# One forward pass. Hooks keep the residual stream at the positions and reduce the attention pattern to its metrics as it
# appears; nothing of size *layer × head × query × key* is ever kept.

# %%
cap = interp.capture(model, answers, positions)
print("residual stream", tuple(cap.resid.shape), "= sample, layer, role, d_model")
print("attention metrics", {name: tuple(metric.shape) for name, metric in cap.attention.items()})

# %% [markdown]
# ## Two grids in one unit
# The probe grid reads the residual stream, the attention grid the attention metrics of all heads: the same samples, the
# same folds (questions about the same city stay together), the same estimator, the same AUC.

# %%
probe = interp.probe_grid(cap, answers.correct, answers.group)
attention = interp.attention_grid(cap, answers.correct, answers.group)
probe

# %%
ax = interp.plot_grid(probe)

# %% [markdown]
# ## Do they say the same?
# The difference has an interval in every cell, and `q` accounts for the number of cells.

# %%
comparison = interp.compare_grids(probe, attention)
axes = interp.plot_comparison(probe, attention, comparison=comparison)

# %%
best = comparison.best["probe"]["cell"]
alone = attention["metric_auc"].sel(token=best["token"])  # each metric by itself, averaged over heads
metric = abs(alone - 0.5).max("layer").idxmax("metric").item()
ax = interp.plot_heads(cap, answers.correct, best["token"], metric=metric, groups=answers.group)

# %% [markdown]
# ## What this model's grid shows

# %%
nested = comparison.best["probe"]["nested"]
embed = probe["embed_auc"].dropna("token")  # undefined where a column always holds the same token
embed = embed[embed.argmax()]
delta = comparison.delta_auc.sel(layer=best["layer"], token=best["token"])
print(
    f"The residual stream tells right answers from wrong ones best at {best['token']}, layer {best['layer']}: "
    f"AUC {nested['value']:.2f} [{nested['low']:.2f}, {nested['high']:.2f}] when the cell is chosen on other folds, "
    f"against {embed.item():.2f} for the embedding alone at its best column, {embed.token.item()}; "
    f"the attention probe at the same cell is "
    f"{delta['delta'].item():.2f} [{delta['low'].item():.2f}, {delta['high'].item():.2f}] lower."
)
