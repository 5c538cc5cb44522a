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
# # Positions, and what can go wrong
#
# Every number of a grid depends on which token stands in which column. One index too far, and a probe reads the
# word after the answer. This notebook shows the fifteen columns on real answers, columns of your own, and the ways in
# which positions mislead.

# %%
import interp
from interp import demo

model = interp.load_model(demo.model_path())
rows = interp.load_rows(demo.questions_path())[:120]
answers = interp.generate_answers(model, rows, prompt_template=demo.PROMPT_TEMPLATE, max_new_tokens=demo.MAX_NEW_TOKENS)
positions = interp.resolve_positions(answers)
positions

# %% [markdown]
# ## One sample, token by token
# `prompt_ids + completion_ids` is one sequence. `last_q` is the prompt's last token, `first_answer` the completion's first;
# the exact answer's tokens are those that cover one of its characters; `-1` is the token that ended the answer.

# %%
tokens = model.tokenizer.convert_ids_to_tokens(answers.prompt_ids[0] + answers.completion_ids[0])
at = {role: int(index) for role, index in zip(positions.roles, positions.index[0], strict=True)}
for place, token in enumerate(tokens):
    roles = [role for role, index in at.items() if index == place and positions.valid[0, positions.roles.index(role)]]
    print(f"{place:>3}  {token.replace('Ġ', '·').replace('Ċ', '⏎'):<12} {'  '.join(roles)}")

# %% [markdown]
# Two columns may name one token: an exact answer of a single token is its own first and last, and if the answer stands
# near the end, `-3` may be the exact answer. A grid marks columns that mostly repeat another one with a dagger, and the tests
# of "token specificity" leave such samples out.

# %%
{role: other for role, other in zip(positions.roles, positions.repeats(), strict=True) if other}

# %% [markdown]
# ## Absent is absent
# A completion of five tokens has no `-8`. The column is masked for this sample and counted, never clamped to another token
# and never taken from the prompt: either would put the question's own tokens into an answer's column.

# %%
import dataclasses

short = dataclasses.replace(
    answers[:20],
    completion_ids=[ids[:5] for ids in answers.completion_ids[:20]],
    text=[model.tokenizer.decode(ids[:5]) for ids in answers.completion_ids[:20]],
)
few = interp.resolve_positions(short)
{role: int(n) for role, n in zip(few.roles, few.valid.sum(0), strict=True)}

# %% [markdown]
# ## The finder must not know the truth
# Where right answers are located by the gold answer and wrong ones by another rule, the *place* gives the label away. Here
# one rule locates all of them; which, and how often it found something among right and wrong answers, is always said.

# %%
answers.table().groupby("correct")[["exact_answer_method", "status"]].value_counts()

# %% [markdown]
# The paper's code locates right answers by the gold answer. `paper_positions` does as it does, so that the difference can
# be counted:

# %%
theirs = interp.paper_positions(answers)
shared = [role for role in positions.roles if role in theirs.roles]
for role in shared:
    a, b = (p.index[:, p.roles.index(role)] for p in (positions, theirs))
    both = positions.valid[:, positions.roles.index(role)] & theirs.valid[:, theirs.roles.index(role)]
    if differ := int((a != b)[both].sum()):
        print(f"{role:<26} other token in {differ} of {int(both.sum())} samples")

# %% [markdown]
# ## Columns of your own
# A role is a name with a rule: a text to match, a neighbour of another role, or a function of the sample. Pooled columns are
# means (or maxima) over several tokens.

# %%
own = interp.resolve_positions(
    answers,
    roles={
        "question_mark": interp.Match(r"\?", at="last"),
        "answer_mean": "mean:exact_answer",
        "whole": "mean:completion",
    },
)
{role: int(n) for role, n in zip(own.roles[-3:], own.valid[:, -3:].sum(0), strict=True)}

# %%
cap = interp.capture(model, answers, own)
grid = interp.probe_grid(cap, answers.correct, answers.group)
ax = interp.plot_grid(grid)

# %% [markdown]
# ## Text is not ids
# A tokenizer does not always give back the ids that a model produced: `" France"` may be one token or three. Rows that bring
# their completion as text are tokenised again, and read only if the tokenizer gives the same text back; rows that bring
# `completion_ids` are taken as they are. What the definitions say of bytes, accents, numbers, scripts without spaces and thoughts:
# `docs/definitions.md`; how they were checked against a second reading: `docs/positions.md`.
