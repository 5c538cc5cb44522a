"""What stands in the dataset of `choose_answers`, for its `help`."""

CHOICES = """\
type, title (type): "all", or letter of an error type, and what it is called
by (by): by what an answer is chosen
reference (reference): greedy, majority and random, as far as there are
question (question): id of the row
question_n, question_group, question_subtypes (question): draws it chose from; group; types B1, B2 …
right (question, by): probability that the chosen answer is right, 0 or 1 where nothing is shared
n (type): questions
accuracy, low, high (type, by): mean of `right`, 0 … 1, with its 95 % interval over groups of questions
reason (type, by): why it is undefined, in words; "" where it is not
delta, delta_low, delta_high (type, by, reference): accuracy minus the reference's, paired; its 95 % interval
p, q (type, by, reference): two-sided p against 0; q by Benjamini-Hochberg over all differences
delta_reason (type, by, reference): why it is undefined
"""
