"""Answers by sample: records, parts and a table, every list and the judge's replies kept in step."""

import dataclasses

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import interp
from interp.generating.asking import Exchange
from interp.labelling.judgement import Judgement
from interp.labelling.records import Records

N = 6


def make_answers() -> interp.Answers:
    """Every list says in every entry which sample it belongs to."""
    asked = [Exchange(f"prompt {i}", ("yes", "no", "perhaps")[i % 3]) for i in range(N)]
    asked[2] = None
    return interp.Answers(
        id=[f"q{i}" for i in range(N)],
        question=[f"question {i}" for i in range(N)],
        group=[f"group {i}" for i in range(N)],
        prompt=[f"prompt {i}" for i in range(N)],
        prompt_ids=[[i] for i in range(N)],
        completion_ids=[[i] * i for i in range(N)],
        text=[f"text {i}" for i in range(N)],
        finish=["stop"] * N,
        logprobs=[None if i == 1 else [-float(i)] for i in range(N)],
        correct=[True, False, None, True, False, None],
        exact_answer=[None if i == 3 else f"exact {i}" for i in range(N)],
        exact_answer_method=["row"] * N,
        exact_answer_tokens=[None if i == 3 else (i, i) for i in range(N)],
        question_tokens=[(0, i) for i in range(N)],
        status=["ok"] * N,
        span_uses_gold=True,
        extraction=[(Exchange(f"extract {i}", None),) for i in range(N)],
        near_ties=list(range(N)),
        judgement=Judgement(asked, [i == 4 for i in range(N)], [True, False, None, True, False, None]),
        settings={"temperature": 0.0},
        decode=str,
    )


ANSWERS = make_answers()
LISTS = [f.name for f in dataclasses.fields(ANSWERS) if isinstance(getattr(ANSWERS, f.name), list)]


def test_a_record_has_every_field_of_its_sample() -> None:
    for i, record in enumerate(ANSWERS):
        assert record == ANSWERS[i] == ANSWERS[i - N] == ANSWERS.at(f"q{i}")
        assert {name: getattr(ANSWERS, name)[i] for name in LISTS} == {k: v for k, v in record.items() if k != "judge"}
        assert record["judge"] == ANSWERS.judgement.records()[i]
    assert len(list(ANSWERS)) == N and {"id", "text", "extraction", "near_ties"} <= set(LISTS)
    assert "judge" not in dataclasses.replace(ANSWERS, judgement=None)[0]


@given(st.lists(st.integers(-N, N - 1)))
def test_some_answers_are_the_records_of_those_samples(places) -> None:
    some = ANSWERS[places]
    assert isinstance(some, interp.Answers) and len(some) == len(places)
    assert list(some) == [ANSWERS[i] for i in places]
    assert (some.span_uses_gold, some.settings, some.decode) == (True, ANSWERS.settings, ANSWERS.decode)
    assert some.judgement.correct == some.correct
    assert some.table().equals(ANSWERS.table().iloc[places].reset_index(drop=True))


def test_slices_and_masks_name_samples_too() -> None:
    right = [correct is True for correct in ANSWERS.correct]
    assert ANSWERS[2:5].id == ["q2", "q3", "q4"] and ANSWERS[right].id == ["q0", "q3"]
    assert ANSWERS[ANSWERS.table()["text"].str.endswith("4")].id == ["q4"]


def test_the_table_is_the_records() -> None:
    table = ANSWERS.table()
    assert (
        isinstance(table, pd.DataFrame) and table["correct"].dtype == "boolean" and table["near_ties"].dtype == "Int64"
    )
    assert table.drop(columns="correct").to_dict("records") == [
        {name: value for name, value in record.items() if name != "correct"} for record in ANSWERS
    ]
    assert table["correct"].astype(object).where(table["correct"].notna(), None).tolist() == ANSWERS.correct
    assert table.groupby("correct")["near_ties"].sum().tolist() == [5, 3]


def test_an_unknown_id_or_a_name_is_an_error_that_says_what_to_do() -> None:
    with pytest.raises(interp.DataError, match="there is none with id 'q9'; the ids are q0, q1, q2 …"):
        ANSWERS.at("q9")
    with pytest.raises(interp.DataError, match="got 'text'; for an id: .at"):
        ANSWERS["text"]
    with pytest.raises(interp.DataError, match="sample 6 is outside the 6 samples"):
        ANSWERS[6]


@dataclasses.dataclass(frozen=True)
class Notes(Records):
    """Records of another kind: what they are is read off the fields."""

    id: list[str]
    note: list[str]
    language: str = "en"
    pages: list[int] | None = None
    judgement: Judgement | None = None


def test_any_frozen_dataclass_of_lists_is_records() -> None:
    notes = Notes(["a", "b", "c"], ["first", "second", "third"], "de")
    assert list(notes) == [{"id": name, "note": note} for name, note in zip(notes.id, notes.note, strict=True)]
    assert notes[[2, 0]] == Notes(["c", "a"], ["third", "first"], "de")
    paged = dataclasses.replace(notes, pages=[1, 2, 3])
    assert paged[-1] == paged.at("c") == {"id": "c", "note": "third", "pages": 3}
    assert paged[:2].pages == [1, 2] and paged.table().columns.tolist() == ["id", "note", "pages"]


def test_no_records_are_no_rows_and_still_say_what_they_lack() -> None:
    none = Notes([], [])
    assert len(none) == 0 and list(none) == [] and none[:] == none
    assert none.table().shape == (0, 2)
    with pytest.raises(interp.DataError, match="^samples: there is none with id 'a'; the ids are none$"):
        none.at("a")


def test_lists_of_different_lengths_are_not_cut_to_the_shortest() -> None:
    with pytest.raises(ValueError, match=r"zip\(\) argument 2 is shorter"):
        list(Notes(["a", "b"], ["first"]))
