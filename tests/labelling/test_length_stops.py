"""Answers cut off at their length limit: which they are, from which share on one is warned, and in which words."""

from hypothesis import given
from hypothesis import strategies as st

from interp.labelling.length_stops import length_stops, was_generated
from interp.reporting.notes import length_warnings

SAMPLE = st.fixed_dictionaries(
    {
        "logprobs": st.sampled_from([None, [], [-0.5]]),
        "finish": st.sampled_from(["stop", "length"]),
        "correct": st.sampled_from([True, False, None]),
    }
)


def sample(finish: str, correct: bool | None = None, *, generated: bool = True) -> dict:
    return {"finish": finish, "correct": correct, "logprobs": [-0.5] if generated else None}


def test_a_completion_that_the_row_brought_has_no_limit():
    brought, cut, ended = sample("length", generated=False), sample("length"), sample("stop")
    assert [was_generated(one) for one in (brought, cut, ended)] == [False, True, True]
    assert length_stops([brought, cut, ended, cut]) == [cut, cut]
    assert was_generated({"logprobs": []}) and not was_generated({})  # an empty answer is an answer


def test_the_sentence_counts_right_wrong_and_unlabelled():
    cut = [sample("length", y) for y in (True, False, False, None, None, None)]
    others = [sample("stop", True)] * 2 + [sample("length", True, generated=False)] * 5
    (sentence,) = length_warnings([*cut, *others], 32)
    assert sentence.startswith(
        "6 of 8 generated answers (75%) were cut off by --max-new-tokens (32 tokens): 1 right, 2 wrong, 3 without a "
        "label. "
    )
    assert "--max-new-tokens: 1 right" in length_warnings([*cut, *others])[0]  # a limit that is not known


def test_one_in_ten_is_enough_and_fewer_are_not():
    assert length_warnings([sample("length")] + [sample("stop")] * 9)
    assert not length_warnings([sample("length")] + [sample("stop")] * 10)
    assert not length_warnings([sample("stop")] * 3) and not length_warnings([])


@given(st.lists(SAMPLE, max_size=40))
def test_the_warning_is_that_of_a_loop(samples):
    stopped = generated = 0
    for one in samples:
        if one["logprobs"] is not None:
            generated += 1
            stopped += one["finish"] == "length"
    warned = length_warnings(samples)
    assert bool(warned) == (stopped > 0 and 10 * stopped >= generated)
    assert all(said.startswith(f"{stopped} of {generated} generated answers") for said in warned)
