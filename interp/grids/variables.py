"""What stands in the grids: every variable with its dims, meaning and unit, for the `help` of what returns it.

One line a variable, `name, name (dims)[, when]: meaning`; "when" says that it is not always there.
"""

import re
from collections.abc import Callable
from inspect import cleandoc
from textwrap import indent
from typing import Any, TypeVar

Documented = TypeVar("Documented", bound=Callable[..., Any])

CELLS = """\
layer (layer): number of the block, from 0
token (token): name of the role
auc (layer, token): area under the ROC curve of the scores, 0 … 1, chance 0.5; NaN: undefined
low, high (layer, token): the ends of its 95 % interval, 0 … 1
n, n_correct (layer, token): samples behind it, and the right ones of them
reason (layer, token): why the AUC is undefined, in words; "" where it is not
"""
SAMPLES = """\
sample (sample): id
y (sample): label, 1 right, 0 wrong
fold (sample): number of the fold that held the sample out, from 0
group (sample): name of the group, whose samples share a fold
score (sample, layer, token): out-of-fold decision value (logistic: log-odds); NaN: no role
"""
CHOICE = """\
choice_auc (sample, layer, token), with nested: AUC of the cell without the sample's fold, 0 … 1
"""
TRAINED = """\
training (sample, layer, token), of logistic probes: bytes, how the folds' errors depend on each other
"""
CHOSEN = """\
chosen_C (sample, layer, token), with several C: that of the probe that scored the sample
"""
LACKING = """\
n_nonfinite (layer, token): samples left out because a feature is NaN, infinite or beyond the range of float32
"""
EMBED = """\
embed_auc (token), with embed: AUC of the control row, the embedding, 0 … 1
embed_low, embed_high (token), with embed: the ends of its 95 % interval
embed_n, embed_n_correct (token), with embed: samples behind it, and the right ones of them
embed_reason (token), with embed: why it is undefined
embed_score (sample, token), with embed: its out-of-fold decision values
embed_training (sample, token), with embed: as `training`
"""
WIDTH = """\
n_features (layer, token): columns that the attention probe reads in the cell, metrics of heads and their logarithms
"""
METRICS = """\
dropped (layer, token): (metric, head) columns that are not finite for every sample, by name
metric (metric): name of the attention metric
metric_auc (metric, layer, token): AUC of the metric's mean over heads, without fitting, 0 … 1
metric_low, metric_high (metric, layer, token): the ends of its 95 % interval
metric_n, metric_n_correct (metric, layer, token): samples behind it, and the right ones of them
metric_reason (metric, layer, token): why it is undefined
metric_p, metric_q (metric, layer, token): two-sided p against 0.5; q (BH) over metrics and cells
metric_mean (metric, layer, token): mean of the metric over heads and samples, in its own unit
"""
PERMUTED = """\
permutation_auc (layer, token): AUC by the statistic that is permuted, 0 … 1
z (layer, token): that AUC less its mean over the permutations, in their standard deviations
p (layer, token): upper normal tail of z, 0 … 1
q (layer, token): by Benjamini-Hochberg over the cells
p_corrected (layer, token): share of permutations (the data among them) whose largest z of a cell is at least as high
"""
DELTA = """\
layer (layer): number of the block, from 0
token (token): name of the role
delta (layer, token): AUC of the first less AUC of the second, -1 … 1; NaN: undefined
low, high (layer, token): the ends of its 95 % interval
p, q (layer, token): two-sided p against 0; q by Benjamini-Hochberg over all that is returned
reason (layer, token): why it is undefined, in words; "" where it is not
"""
CONTROL = """\
control (control): name of the control; of selectivity every number is a difference of AUCs
"""
GRID = """\
grid (grid): the names of the two
"""
COUNTS = """\
n, n_correct (layer, token): samples behind it, and the right ones of them
"""
OF_PAIRS = """\
pair (pair): "first − second"
first, second (pair): names of the two grids
first_layer, second_layer (pair, layer): which of their layers are compared
mean_delta (pair): mean of delta over the cells that have one
mean_low, mean_high, mean_p (pair): the ends of its 95 % interval; two-sided p against 0
samples (pair): "same", "shared groups" or "independent"
shared_groups (pair): how many groups both grids hold
"""
PAPER = """\
layer (layer): number of the block, from 0
token (token): name of the role
auc (layer, token): area under the ROC curve on the held-out fifth, 0 … 1; NaN: a class is missing
unconverged (layer, token): whether the solver stopped at its 100 iterations
n_train, n (layer, token): samples that were fitted, and that were held out
"""

DETECTED = """\
detector (detector): name; behind those asked for `best_baseline` and, with the probe, `baseline_and_probe`
family (detector): which of them stand together
sample (sample): id
y (sample): label, 1 right, 0 wrong
fold (sample): number of the fold that held the sample out, from 0
group (sample): name of the group, whose samples share a fold
score (detector, sample): higher where the answer is more likely right; NaN: it has none
auc (detector): area under the ROC curve within folds, 0 … 1; NaN: undefined
low, high (detector): the ends of its 95 % interval
n, n_correct (detector): samples behind it, and the right ones of them
missing (detector): samples without a score
reason (detector): why the AUC is undefined, in words; "" where it is not
delta (detector): the probe's AUC less the detector's, over the samples that both can score, -1 … 1
delta_low, delta_high (detector): the ends of its 95 % interval
delta_p, delta_q (detector): two-sided p against 0; q by Benjamini-Hochberg over the detectors
delta_n (detector): samples that both can score
gain, gain_low, gain_high (): AUC of `baseline_and_probe` less that of `best_baseline`, with its 95 % interval
gain_p, gain_n (): two-sided p against 0; samples behind it
chosen (sample): the baseline that was chosen without the sample's fold
"""


def beside(name: str, variables: str) -> str:
    """The same variables on one more leading axis."""
    label = re.compile(r"(\w+) \(\1\)|[^(]+\(sample\)")  # of an axis, or of the samples: it is the same on the new one
    lines = variables.splitlines(keepends=True)
    return "".join(line if label.match(line) else line.replace("(", f"({name}, ", 1) for line in lines)


def perhaps(when: str, variables: str) -> str:
    """The same variables, which are there only then."""
    return re.sub(r"^([^()]+\([^()]*\))(?:, [^:]+)?: ", rf"\1, {when}: ", variables, flags=re.MULTILINE)


def returns(variables: str, what: str = "Returns an xarray Dataset:") -> Callable[[Documented], Documented]:
    """A function whose `help` ends with the variables of what it returns."""

    def documented(function: Documented) -> Documented:
        function.__doc__ = f"{cleandoc(function.__doc__ or '')}\n\n{what}\n{indent(variables, '    ')}"
        return function

    return documented


PROBE_GRID = CELLS + SAMPLES + CHOICE + TRAINED + CHOSEN + LACKING + EMBED
ATTENTION_GRID = CELLS + SAMPLES + CHOICE + TRAINED + CHOSEN + WIDTH + METRICS
GAIN_GRID = CELLS + SAMPLES + TRAINED + CHOSEN + LACKING
MATCHED_GRID = CELLS + SAMPLES + CHOSEN + LACKING + WIDTH
JOINED_GRIDS = (
    GRID
    + beside("grid", CELLS + SAMPLES + perhaps("if both have it", CHOICE + TRAINED + CHOSEN))
    + perhaps("if one has it", LACKING + EMBED + WIDTH + METRICS)
)
CONTROL_CELLS = CONTROL + beside("control", CELLS)
DIFFERENCE = DELTA + COUNTS
DIFFERENCES = beside("pair", DELTA) + OF_PAIRS
