"""What stands in the results of interventions: every variable with its dims and meaning, for their `help`."""

from interp.grids.variables import CELLS, SAMPLES

CAUSAL_GRID = (
    CELLS.replace("area under the ROC curve of the scores", "area under the ROC curve of the scores, of donors")
    + SAMPLES.replace(
        "score (sample, layer, token): out-of-fold decision value (logistic: log-odds); NaN: no role",
        "score (sample, layer, token): what the sample's state did to the outcome of the sample it was put into, less "
        "what the state of one with that sample's own label did",
    )
    + """\
direction (direction): "both", "into wrong" (states of right samples) and "into right"
effect (direction, layer, token): sum of the changes over that of the two samples' differences; 1: all, NaN: undefined
effect_low, effect_high (direction, layer, token): the ends of its 95 % interval
effect_n (direction, layer, token): runs behind it
effect_reason (direction, layer, token): why it is undefined, in words; "" where it is not
control (control): what else was put in: "same_label", "random_direction" or "scrambled_weights"
control_effect (control, layer, token): the same share, of what the control did
control_low, control_high (control, layer, token): the ends of its 95 % interval
over (control, layer, token): `effect` less `control_effect`, on the runs of both
over_low, over_high (control, layer, token): the ends of its 95 % interval
over_p, over_q (control, layer, token): two-sided p against 0 by signs of blocks; q by Benjamini-Hochberg
over_p_corrected (control, layer, token): p of the largest statistic of all cells
attributed (layer, token), with method="exact": the effect of both directions to first order, from gradients
attributed_r (layer, token), with method="exact": correlation of its changes with the exact ones, over the runs
recipient (sample): id of the sample that the state was put into
block (sample): number of its block: runs of two blocks are independent
outcome_own, outcome_donor (sample): outcome of the recipient and of the donor as they are
change (sample, layer, token): outcome with the donor's state less that without
control_change (control, sample, layer, token): the same of the control
"""
)

DOSES = """\
among (among): "all" runs, or those of "right" or "wrong" samples
direction (direction): "probe" or "mean_difference"
dose (dose): standard deviations of the samples' projection on the direction
change (among, direction, dose): mean of the outcome with the dose less that without
low, high (among, direction, dose): the ends of its 95 % interval
placebo (placebo): "random" directions, or probes of "arbitrary_labels"
p, q (placebo, among, direction, dose): share of the placebo whose change is as large; q by Benjamini-Hochberg
placebo_low, placebo_high (placebo, among, dose): between these are 95 % of the placebo's changes
ablated (among, direction): mean change of the outcome where the projection is at its mean
ablated_low, ablated_high (among, direction): the ends of its 95 % interval
ablated_p (placebo, among, direction): share of the placebo whose change is as large
step (direction): length of a dose of 1 in the site's own unit, mean over the folds
sample (sample): id of the sample that is run
y (sample): label, 1 right, 0 wrong
block (sample): number of its block: runs of two blocks are independent
outcome_own (sample): outcome of the sample as it is
sample_change (direction, dose, sample): outcome with the dose less that without
"""
