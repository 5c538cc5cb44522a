"""The worked example: six invented samples whose every index and attention metric is computed by hand in this file.

The expected numbers come from the definitions alone ("The fifteen token positions", "Attention-pattern metrics"),
written as the sums they are. They are the yardstick: where the code disagrees, the code is wrong.
"""

from math import log, nan

from interp.labelling.answers import Answers

# fmt: off
#  id              prompt             completion (2 ends it, or its length)                exact answer, question
SAMPLES = {
    "ordinary":    ([1, 20, 21, 22],  [30, 31, 32, 33, 40, 41, 34, 35, 36, 37, 2],         (8, 9),  (1, 2)),
    "at_once":     ([1, 20, 22],      [42, 30, 2],                                         (3, 3),  (1, 1)),
    "at_the_end":  ([20, 22],         [30, 31, 40, 41],                                    (4, 5),  (0, 0)),
    "one_token":   ([1, 20, 21, 22],  [42],                                                (4, 4),  None),
    "no_answer":   ([1, 20, 22],      [30, 31, 32, 33, 34, 35, 36, 2],                     None,    (1, 2)),
    "empty":       ([1, 22],          [],                                                  None,    (1, 1)),
}

ABSENT = -1
#  n_prompt + n_completion = n:  4 + 11 = 15, 3 + 3 = 6, 2 + 4 = 6, 4 + 1 = 5, 3 + 8 = 11, 2 + 0 = 2
INDEX = {                      # ordinary  at_once  at_the_end  one_token  no_answer  empty
    "last_q":                    (3,       2,       1,          3,         2,         1),
    "first_answer":              (4,       3,       2,          4,         3,         ABSENT),
    "second_answer":             (5,       4,       3,          ABSENT,    4,         ABSENT),
    "exact_answer_before_first": (7,       2,       3,          3,         ABSENT,    ABSENT),
    "exact_answer_first":        (8,       3,       4,          4,         ABSENT,    ABSENT),
    "exact_answer_last":         (9,       3,       5,          4,         ABSENT,    ABSENT),
    "exact_answer_after_last":   (10,      4,       ABSENT,     ABSENT,    ABSENT,    ABSENT),
    "-8":                        (7,       ABSENT,  ABSENT,     ABSENT,    3,         ABSENT),
    "-7":                        (8,       ABSENT,  ABSENT,     ABSENT,    4,         ABSENT),
    "-6":                        (9,       ABSENT,  ABSENT,     ABSENT,    5,         ABSENT),
    "-5":                        (10,      ABSENT,  ABSENT,     ABSENT,    6,         ABSENT),
    "-4":                        (11,      ABSENT,  2,          ABSENT,    7,         ABSENT),
    "-3":                        (12,      3,       3,          ABSENT,    8,         ABSENT),
    "-2":                        (13,      4,       4,          ABSENT,    9,         ABSENT),
    "-1":                        (14,      5,       5,          4,         10,        ABSENT),
}
#  at_once: 6 - 4 = 2 is last_q, inside the prompt, so -4 is absent; at_the_end: 6 - 4 = 2 is its first completion token.
VALID_PER_SAMPLE = (15, 10, 10, 6, 11, 1)
# fmt: on


def answers(*ids: str) -> Answers:
    """The samples of these ids as a user's `Answers`."""
    prompts, completions, exact, questions = (list(column) for column in zip(*(SAMPLES[i] for i in ids), strict=True))
    return Answers(
        id=list(ids),
        question=[f"question {i}" for i in ids],
        group=list(ids),
        prompt=[f"prompt {i}" for i in ids],
        prompt_ids=prompts,
        completion_ids=completions,
        text=[f"text {i}" for i in ids],
        finish=["stop" if c and c[-1] == 2 else "length" for c in completions],
        logprobs=[[-1.0] * len(c) for c in completions],
        correct=[True] * len(ids),
        exact_answer=[None if e is None else "answer" for e in exact],
        exact_answer_method=[None if e is None else "candidates" for e in exact],
        exact_answer_tokens=exact,
        question_tokens=questions,
        status=[
            "empty" if not c else "no_exact_answer" if e is None else "ok"
            for c, e in zip(completions, exact, strict=True)
        ],
    )


# fmt: off
# Four of the six samples (n = 6, 6, 5, 2), two heads. Row q lists the keys 0 ... q; every row sums to 1, except that
# the row marked * sums to 1/2, as with a learned sink.
UNIFORM = [[1 / (q + 1)] * (q + 1) for q in range(6)]
SELF = [[0] * q + [1] for q in range(6)]
PATTERN = {
    "at_once": (
        [[1],
         [1/2, 1/2],
         [1/2, 1/4, 1/4],
         [1/4, 1/8, 1/8, 1/2],
         [5/10, 1/10, 1/10, 2/10, 1/10],
         [4/12, 1/12, 2/12, 3/12, 1/12, 1/12]],
        [*UNIFORM[:4], [1/10] * 5, UNIFORM[5]],  # * row 4
    ),
    "at_the_end": (
        [[1],
         [3/4, 1/4],
         [0, 1/2, 1/2],
         [2/8, 1/8, 4/8, 1/8],
         [1/2, 0, 0, 1/4, 1/4],
         [0, 1/10, 2/10, 3/10, 0, 4/10]],
        UNIFORM,
    ),
    "one_token": (
        [*UNIFORM[:3], [1/2, 1/4, 0, 1/4], [2/10, 1/10, 0, 4/10, 3/10]],
        SELF[:5],
    ),
    "empty": ([[1], [1/3, 2/3]], UNIFORM[:2]),
}

# For each sample the first position below, then one table per head: a row per metric, a column per position.
METRICS = {
    "at_once": (2, (  # prompt 0 1 2, completion 3 4 5, question 1, exact answer 3
        {   # without key 0 the rows 3, 4, 5 are (1 1 4)/6, (1 1 2 1)/5, (1 2 3 1 1)/8
            "received": [(1/8*4 + 1/10*5 + 2/12*6) / 3, (2/10*5 + 3/12*6) / 2, 1/12*6, nan],
            "received_no_sink": [(1/6*3 + 1/5*4 + 2/8*5) / 3, (2/5*4 + 3/8*5) / 2, 1/8*5, nan],
            "entropy": [(1/2*log(2) + 2/4*log(4)) / log(3),
                        (1/4*log(4) + 2/8*log(8) + 1/2*log(2)) / log(4),
                        (5/10*log(2) + 2/10*log(5) + 3/10*log(10)) / log(5),
                        (4/12*log(3) + 3/12*log(12) + 2/12*log(6) + 3/12*log(4)) / log(6)],
            "to_sink": [1/2, 1/4, 5/10, 4/12], "to_question": [1/4, 1/8, 1/10, 1/12],
            "to_exact_answer": [nan, 1/2, 2/10, 3/12],
            "to_completion": [nan, 1/2, 2/10 + 1/10, 3/12 + 1/12 + 1/12],
            "to_self": [1/4, 1/2, 1/10, 1/12],
            # prompt mass / 3 keys against completion mass / 1, 2, 3 keys: 1/6 : 1/2, 7/30 : 3/20, 7/36 : 5/36
            "lookback": [nan, 1/4, 14/23, 7/12],
        },
        {   # row 4 sums to 1/2: its raw masses are halved, what is renormalised is uniform
            "received": [(1 + 1/2 + 1) / 3, (1/2 + 1) / 2, 1, nan], "received_no_sink": [1, 1, 1, nan],
            "entropy": [1, 1, 1, 1], "to_sink": [1/3, 1/4, 1/10, 1/6], "to_question": [1/3, 1/4, 1/10, 1/6],
            "to_exact_answer": [nan, 1/4, 1/10, 1/6], "to_completion": [nan, 1/4, 2/10, 3/6],
            "to_self": [1/3, 1/4, 1/10, 1/6], "lookback": [nan, 1/2, 1/2, 1/2],
        },
    )),
    "at_the_end": (1, (  # prompt 0 1, completion 2 3 4 5, question 0, exact answer 4 5
        {   # without key 0 the rows 2, 3, 4, 5 are (1 1)/2, (1 4 1)/6, (0 0 1 1)/2, (1 2 3 0 4)/10
            "received": [(1/2*3 + 1/8*4 + 0*5 + 1/10*6) / 4, (4/8*4 + 0*5 + 2/10*6) / 3, (1/4*5 + 3/10*6) / 2, 0*6, nan],
            "received_no_sink": [(1/2*2 + 1/6*3 + 0*4 + 1/10*5) / 4, (4/6*3 + 0*4 + 2/10*5) / 3,
                                 (1/2*4 + 3/10*5) / 2, 0*5, nan],
            "entropy": [(3/4*log(4/3) + 1/4*log(4)) / log(2),
                        (1/2*log(2) + 1/2*log(2)) / log(3),
                        (2/8*log(4) + 2/8*log(8) + 4/8*log(2)) / log(4),
                        (1/2*log(2) + 2/4*log(4)) / log(5),
                        (1/10*log(10) + 2/10*log(5) + 3/10*log(10/3) + 4/10*log(10/4)) / log(6)],
            "to_sink": [3/4, 0, 2/8, 1/2, 0], "to_question": [3/4, 0, 2/8, 1/2, 0],
            "to_exact_answer": [nan, nan, nan, 1/4, 0 + 4/10],  # position 4 sees the first of the two tokens only
            "to_completion": [nan, 1/2, 4/8 + 1/8, 0 + 1/4 + 1/4, 2/10 + 3/10 + 0 + 4/10],
            "to_self": [1/4, 1/2, 1/8, 1/4, 4/10],
            # prompt mass / 2 keys against completion mass / 1 ... 4: 1/4 : 1/2, 3/16 : 5/16, 1/4 : 1/6, 1/20 : 9/40
            "lookback": [nan, 1/3, 3/8, 3/5, 2/11],
        },
        {
            "received": [1, 1, 1, 1, nan], "received_no_sink": [1, 1, 1, 1, nan], "entropy": [1, 1, 1, 1, 1],
            "to_sink": [1/2, 1/3, 1/4, 1/5, 1/6], "to_question": [1/2, 1/3, 1/4, 1/5, 1/6],
            "to_exact_answer": [nan, nan, nan, 1/5, 2/6], "to_completion": [nan, 1/3, 2/4, 3/5, 4/6],
            "to_self": [1/2, 1/3, 1/4, 1/5, 1/6], "lookback": [nan, 1/2, 1/2, 1/2, 1/2],
        },
    )),
    "one_token": (3, (  # prompt 0 1 2 3, completion 4, question not located, exact answer 4
        {
            "received": [4/10*5, nan], "received_no_sink": [4/8*4, nan],
            "entropy": [(1/2*log(2) + 2/4*log(4)) / log(4),
                        (2/10*log(5) + 1/10*log(10) + 4/10*log(10/4) + 3/10*log(10/3)) / log(5)],
            "to_sink": [1/2, 2/10], "to_question": [nan, nan], "to_exact_answer": [nan, 3/10],
            "to_completion": [nan, 3/10], "to_self": [1/4, 3/10],
            "lookback": [nan, 7/19],  # 7/10 on 4 keys against 3/10 on 1: 7/40 : 12/40
        },
        {
            "received": [0, nan], "received_no_sink": [0, nan], "entropy": [0, 0], "to_sink": [0, 0],
            "to_question": [nan, nan], "to_exact_answer": [nan, 1], "to_completion": [nan, 1],
            "to_self": [1, 1], "lookback": [nan, 0],
        },
    )),
    "empty": (1, (  # prompt 0 1, question 1; position 1 is the last token: nobody looks back at it
        {"received": [nan], "received_no_sink": [nan], "entropy": [(1/3*log(3) + 2/3*log(3/2)) / log(2)],
         "to_sink": [1/3], "to_question": [2/3], "to_exact_answer": [nan], "to_completion": [nan],
         "to_self": [2/3], "lookback": [nan]},
        {"received": [nan], "received_no_sink": [nan], "entropy": [1],
         "to_sink": [1/2], "to_question": [1/2], "to_exact_answer": [nan], "to_completion": [nan],
         "to_self": [1/2], "lookback": [nan]},
    )),
}

# "at_the_end" in a layer with a sliding window of 3: row q sees the keys q-2, q-1, q, the others hold 0.
WINDOW_PATTERN = {
    "at_the_end": (
        [[1],
         [3/4, 1/4],
         [1/2, 1/4, 1/4],
         [0, 1/4, 1/4, 1/2],
         [0, 0, 1/8, 5/8, 2/8],
         [0, 0, 0, 1/6, 2/6, 3/6]],
        [*UNIFORM[:3], *([0] * (q - 2) + [1/3] * 3 for q in (3, 4, 5))],
    )
}
WINDOW_METRICS = {
    "at_the_end": (1, (
        {   # position p is seen by p+1 and p+2 only; key 0 by the rows 0, 1, 2 only; the prompt by the rows up to 3
            "received": [(1/4*3 + 1/4*3) / 2, (1/4*3 + 1/8*3) / 2, (5/8*3 + 1/6*3) / 2, 2/6*3, nan],
            "received_no_sink": [(1/2*2 + 1/4*3) / 2, (1/4*3 + 1/8*3) / 2, (5/8*3 + 1/6*3) / 2, 2/6*3, nan],
            "entropy": [(3/4*log(4/3) + 1/4*log(4)) / log(2),
                        (1/2*log(2) + 2/4*log(4)) / log(3),
                        (2/4*log(4) + 1/2*log(2)) / log(3),
                        (1/8*log(8) + 5/8*log(8/5) + 2/8*log(4)) / log(3),
                        (1/6*log(6) + 2/6*log(3) + 3/6*log(2)) / log(3)],
            "to_sink": [3/4, 1/2, nan, nan, nan], "to_question": [3/4, 1/2, nan, nan, nan],
            "to_exact_answer": [nan, nan, nan, 2/8, 2/6 + 3/6],
            "to_completion": [nan, 1/4, 1/4 + 1/2, 1, 1],
            "to_self": [1/4, 1/4, 1/2, 2/8, 3/6],
            "lookback": [nan, 3/5, 2/5, nan, nan],  # (3/4)/2 : 1/4, then key 1 alone, 1/4 : (3/4)/2
        },
        {
            "received": [1, 1, 1, 1, nan], "received_no_sink": [1, 1, 1, 1, nan], "entropy": [1, 1, 1, 1, 1],
            "to_sink": [1/2, 1/3, nan, nan, nan], "to_question": [1/2, 1/3, nan, nan, nan],
            "to_exact_answer": [nan, nan, nan, 1/3, 2/3], "to_completion": [nan, 1/3, 2/3, 1, 1],
            "to_self": [1/2, 1/3, 1/3, 1/3, 1/3], "lookback": [nan, 1/2, 1/2, nan, nan],
        },
    ))
}
# fmt: on
