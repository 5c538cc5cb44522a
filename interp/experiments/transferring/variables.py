"""What stands in the result of `transfer`: every variable with its dims and meaning, for its `help`."""


def _difference(name: str, what: str) -> str:
    return f"""\
{name} (train, test): AUC less that of {what}, over the samples that both score, -1 … 1; NaN: undefined
{name}_low, {name}_high (train, test): the ends of its 95 % interval
{name}_p, {name}_q (train, test): two-sided p against 0; q by Benjamini-Hochberg over the matrix
{name}_reason (train, test): why it is undefined, in words; "" where it is not
"""


TRANSFER = f"""\
train (train): what the probe is trained on: a run, "all others" (every run but the tested one) or "all"
test (test): the run whose samples it scores
auc (train, test): area under the ROC curve within the target's folds, 0 … 1, chance 0.5; NaN: undefined
low, high (train, test): the ends of its 95 % interval
n, n_correct (train, test): samples behind it, and the right ones of them
reason (train, test): why the AUC is undefined, in words; "" where it is not
shared_groups (train, test): groups of the target that are also trained on, in other folds than they are scored in
{_difference("minus_own", "the target's own probes, the diagonal")}\
{_difference("minus_logprob", "the mean log-probability of the exact answer")}\
logprob_auc (test): AUC of that mean log-probability over all samples that have one, 0 … 1
logprob_low, logprob_high (test): the ends of its 95 % interval
logprob_reason (test): why it is undefined, in words; "" where it is not
fold (fold): number of the fold, from 0
cell_layer, cell_token (train, test, fold): the cell that scored the fold; layer -1: none could be chosen
source (source): the runs, as what is trained on
layer (layer): number of the block, from 0
token (token): name of the role
grid_auc (source, test, layer, token): AUC of the source's probe of the cell on the target, 0 … 1; NaN: undefined
grid_reason (source, test, layer, token): why it is undefined, in words; "" where it is not
sample (sample): the target's name, a slash and the sample's id
run (sample): the target that the sample belongs to
y (sample): label, 1 right, 0 wrong
sample_fold (sample): number of its fold, common to all runs
group (sample): name of its group
logprob (sample): mean log-probability of its exact answer; NaN: not known
score (train, sample): decision value by the probe without the sample's fold; NaN: it lacks the role
"""
