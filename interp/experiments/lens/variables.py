"""What stands in the datasets of the lens, for their `help`."""

from interp.grids.variables import CELLS, SAMPLES

_SCORE = "score (sample, layer, token): out-of-fold decision value (logistic: log-odds); NaN: no role\n"
assert _SCORE in SAMPLES
TOKENS = """\
given_token (sample): id of the first token of the given exact answer
right_token (sample): id of the right one's, of a right sample that of the given one; -1: undefined
right_answer (sample): the text that stands for right; "": none is known
right_reason (sample): why the right answer's token is undefined, in words; "" where it is not
"""
LENS_GRID = (
    CELLS
    + SAMPLES.replace(
        _SCORE,
        "score (sample, layer, token): natural log-probability of the given answer's first token; NaN: no role\n",
    )
    + """\
answer (answer): given, right: whose first token
label (label): right, wrong: samples of which label
logprob (answer, sample, layer, token): natural log-probability of the answer's first token; NaN: undefined
rank (answer, sample, layer, token): how many tokens have a higher logit, 0: it is the top one; NaN: undefined
top_token (sample, layer, token): id of the token with the highest logit; -1: no role
top_logprob (sample, layer, token): its natural log-probability; NaN: no role
mean_logprob (answer, label, layer, token): mean of logprob over the samples of the label; NaN: there are none
mean_logprob_low, mean_logprob_high (answer, label, layer, token): the ends of its 95 % interval
median_rank (answer, label, layer, token): median of rank over the samples of the label; NaN: there are none
median_rank_low, median_rank_high (answer, label, layer, token): the ends of its 95 % interval
n_read (answer, label, layer, token): samples behind them
top_share (answer, label, layer, token): share of the samples in which the answer's first token is the top one
top_share_low, top_share_high (answer, label, layer, token): the ends of its 95 % interval
right_above_given (layer, token): share of wrong samples in which the right answer's token stands above the given one's
right_above_given_low, right_above_given_high (layer, token): the ends of its 95 % interval
position (sample, token): index of the token in prompt and completion; -1: no role
offset (sample, token): that less the index of the exact answer's first token; -1: predicts it, 0 or more: sees it
place (token): `predicts it`, `before it`, `sees it` or `some see it`: where the column's tokens stand to it
"""
    + TOKENS
)
LOGIT_ATTRIBUTION = (
    """\
sample (sample): id
y (sample): label, 1 right, 0 wrong
group (sample): name of the group
contrast (contrast): which difference of logits, `given − mean` or `given − right`
label (label): right, wrong: samples of which label
component (component): name of the part of the sum
component_kind (component): embed, head, attention, mlp, block, attention biases or bias
component_layer, component_head (component): number of its block and of its head; -1: none
attribution (sample, contrast, component): what the component adds to the difference of logits; NaN: undefined
total (sample, contrast): the difference of logits, before the softcap; NaN: undefined
attribution_mean (contrast, label, component): mean of attribution over the samples of the label; NaN: there are none
attribution_mean_low, attribution_mean_high (contrast, label, component): the ends of its 95 % interval
n_attributed (contrast, label): samples behind it
total_mean (contrast, label): mean of total
total_low, total_high (contrast, label): the ends of its 95 % interval
attribution_difference (component): mean of right less mean of wrong samples, of `given − mean`
attribution_difference_low, attribution_difference_high (component): the ends of its 95 % interval
attribution_difference_p, attribution_difference_q (component): two-sided p against 0; q (BH) over the components
"""
    + TOKENS
)
