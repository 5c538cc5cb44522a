"""What stands in the dataset of `error_types`, for its `help`."""

ERROR_TYPES = """\
type, title (type): letter of the error type, and what it is called
question (question): id of the row
layer (layer): number of the block, from 0
token (token): name of the role
control (control): what tells the type without states
question_group, question_subtypes, question_answers (question): group; types B1, B2 …; most frequent answers, as text
question_n, question_n_unlabelled (question): labelled draws, and those without a label, which take no part
question_n_right, question_n_distinct (question): right draws; distinct answers, all right ones being one
question_n_largest_wrong, question_n_no_answer (question): draws of the most frequent wrong answer, and of no answer
is_type (question, type): 1: it is of the type, 0: not, -1: fewer than two labelled draws
share, share_low, share_high (type): share of the questions, 0 … 1, with its 95 % interval
n_of_type (type): how many questions
auc, low, high (layer, token)[per type]: AUC of the type against the rest, 0 … 1; its 95 % interval; NaN: undefined
n, n_correct (layer, token)[per type]: samples behind it, and those of the type
reason (layer, token)[per type]: why the AUC is undefined, in words; "" where it is not
p_corrected (layer, token)[per type]: of the permutations, over all cells of the type; NaN without permutations
best_auc, best_low, best_high (type): AUC of the best cell, chosen on other folds; its 95 % interval
best_layer, best_token (type): the highest cell; -1 and "": none
best_reason (type): why nothing could be told, in words
control_auc, control_low, control_high (type, control): AUC of the control, on the samples that it shares with the cell
control_delta, control_delta_low, control_delta_high (type, control): AUC of the best cell minus that
control_p, control_q (type, control): two-sided p against 0; q by Benjamini-Hochberg over types and controls
""".replace(" (layer, token)[per type]", " (type, layer, token)")
