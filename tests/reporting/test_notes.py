"""What a reader has to know of a run's answers: which they are, from which share on one is warned, in which words."""

from hypothesis import given
from hypothesis import strategies as st

from interp.labelling import place_check
from interp.reporting.notes import PLACES, filler_warnings, length_warnings, special_warnings, thought_warnings
from interp.text.fillers import Filler
from interp.text.thoughts import UNFINISHED

SAMPLE = st.fixed_dictionaries(
    {
        "logprobs": st.sampled_from([None, [], [-0.5]]),
        "finish": st.sampled_from(["stop", "length"]),
        "correct": st.sampled_from([True, False, None]),
    }
)


def sample(finish: str, correct: bool | None = None, *, generated: bool = True) -> dict:
    return {"finish": finish, "correct": correct, "logprobs": [-0.5] if generated else None}


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


def test_the_warnings_name_them() -> None:
    fillers = [Filler("It", 12, 1, 30, True), Filler("A", 11, 2, 30, True), Filler("London", 20, 1, 30, False)]
    left_out, named = filler_warnings({"used": {"candidates": {"fillers": [vars(one) for one in fillers]}}})
    assert (
        "'It' (taken in 12 of 30 completions, accepted once), 'A' (taken in 11 of 30 completions, accepted 2 times)"
        in (left_out)
    )
    assert "left out" in left_out and "'London' (taken in 20 of 30" in named and "London" not in left_out
    assert filler_warnings({}) == filler_warnings({"used": {"candidates": {"number": 3}}}) == []


def test_the_reader_is_told_of_thoughts_that_never_end():
    samples = [{"status": UNFINISHED}, {"status": "ok"}]
    assert thought_warnings(samples[1:]) == []
    assert thought_warnings(samples)[0].startswith("1 of 2 completions never end their thought")
    assert "--stop" not in thought_warnings([{"status": UNFINISHED, "finish": "length"}])[0]
    assert "1 of them ended before the limit" in thought_warnings([{"status": UNFINISHED, "finish": "stop"}])[0]


def test_special_tokens_inside_answers_are_named_the_first_three():
    inside = [{"token": f"<{i}>", "id": i, "samples": 9 - i} for i in range(5)]
    (sentence,) = special_warnings({"special_inside": inside, "completions": {"generated": 20}})
    assert "('<0>' in 9, '<1>' in 8, '<2>' in 7 of 20)" in sentence and "--stop" in sentence


def test_every_place_that_is_checked_has_its_words():
    assert tuple(PLACES) == place_check.PLACES
