"""Rule, judge and extractor of a run: as Python objects or by name, written down, and asked for again by resume."""

import shutil

import pytest

import interp
from interp.errors import DataError, RunError
from interp.labelling.correctness import contains
from interp.runs.labelling_models import labelling_models, split_given
from interp.runs.settings import GIVEN, Settings

COUNTRIES = ("France", "Spain", "Italy")


def about_france(row: interp.QARow, completion: str) -> bool | None:
    """A rule of the user's own."""
    return None if "Italy" in completion else "France" in completion


def says_yes_to_france(prompt: str) -> str:
    return "yes" if "France" in prompt.splitlines()[-2] else "no"


def last_name(prompt: str) -> str:
    return prompt.splitlines()[-2].rstrip(".").split()[-1]


def test_names_and_objects_are_told_apart(tmp_path) -> None:
    options, given = split_given({"correct": about_france, "judge": tmp_path, "extractor": None, "seed": 3})
    assert options == {"correct": f"{GIVEN}about_france", "judge": str(tmp_path), "extractor": None, "seed": 3}
    assert given == {"correct": about_france}
    assert Settings(model="m", data="d", **options).correct == "given in Python: about_france"


def test_only_what_the_settings_need_is_loaded(llama) -> None:
    """`nowhere` would be a ModelError if it were loaded."""
    settings = Settings(model="m", data="d", judge="nowhere", extractor="nowhere")
    assert labelling_models(settings, llama, {}) == {"correct": "contains", "judge": None, "extractor": None}
    settings = Settings(model="m", data="d", correct="judge", judge="m", exact_answer="extract", extractor="m")
    found = labelling_models(settings, llama, {})
    assert found["judge"] is llama and found["extractor"] is llama
    with pytest.raises(interp.ModelError):
        labelling_models(Settings(model="m", data="d", correct="judge", judge="./nowhere"), llama, {})
    with pytest.raises(DataError, match="needs a model to ask"):
        Settings(model="m", data="d", correct="judge")
    with pytest.raises(DataError, match="expected one of"):
        Settings(model="m", data="d", correct="exact")
    with pytest.raises(DataError, match="expected one of"):
        Settings(model="m", data="d", exact_answer="gold")


@pytest.fixture(scope="module")
def rows() -> list[interp.QARow]:
    return [
        interp.QARow(str(i), f"Where is city {i}?", (COUNTRIES[i % 3],), completion=f" It is in {COUNTRIES[i % 2]}.")
        for i in range(48)
    ]


def test_a_run_with_objects_writes_them_down_and_resumes_with_them(llama, rows, tmp_path, monkeypatch) -> None:
    import interp.running.pipeline

    # Probing and drawing are other tests' business, and slow.
    monkeypatch.setattr(interp.running.pipeline, "_evaluate", lambda journal, *_, **__: interp.Run(journal.folder))
    given = {"correct": "judge", "judge": says_yes_to_france, "extractor": last_name}
    whole = interp.run(model=llama, data=rows, out=tmp_path / "whole", exact_answer="extract", **given)
    settings, counts = whole.settings["settings"], whole.settings["counts"]
    assert (settings["correct"], settings["judge"]) == ("judge", "given in Python: says_yes_to_france")
    assert settings["extractor"] == "given in Python: last_name"
    assert (counts["judge"]["yes"], counts["judge"]["no"], counts["judge"]["unclear"]) == (24, 24, 0)
    assert counts["extraction"] == {"asked": 48, "asked_again": 0, "no_answer": 0, "too_long": 0}
    assert counts["exact_answer_method"] == [
        {"method": "extract", "label": "correct", "n": 24},
        {"method": "extract", "label": "wrong", "n": 24},
    ]
    assert whole.samples[0]["judge"]["reply"] == "yes" and whole.samples[1]["extraction"][0]["reply"] == "Spain"

    stopped = tmp_path / "stopped"
    shutil.copytree(whole.folder.path, stopped)
    (stopped / "samples.jsonl").unlink()
    with pytest.raises(RunError, match="judge was given in Python: says_yes_to_france; give it again"):
        interp.resume(stopped, model=llama, data=rows)
    with pytest.raises(RunError, match="no option 'seed'"):
        interp.resume(stopped, model=llama, data=rows, seed=1)
    again = interp.resume(stopped, model=llama, data=rows, judge=says_yes_to_france, extractor=last_name)
    assert again.folder.samples.read_bytes() == whole.folder.samples.read_bytes()


def test_a_rule_of_ones_own_labels(llama, rows) -> None:
    answers = interp.generate_answers(llama, rows, correct=about_france)
    assert answers.correct == ["France" in row.completion for row in rows]
    assert interp.generate_answers(llama, rows, correct=contains(rows)).correct == [
        row.answers[0] in row.completion for row in rows
    ]


def test_choice_locates_right_and_wrong_answers_alike(llama) -> None:
    """The default candidates hold every wrong answer too, so that a wrong choice has a place."""
    rows = [
        interp.QARow("a", "Who?", ("clerk",), wrong_answer="nurse", completion=" The nurse, not the clerk."),
        interp.QARow("b", "Who?", ("guard",), wrong_answer="cook", completion=" The guard."),
    ]
    answers = interp.generate_answers(llama, rows, correct="choice")
    assert (answers.correct, answers.exact_answer) == ([False, True], ["nurse", "guard"])
    assert interp.generate_answers(llama, rows).exact_answer == ["clerk", "guard"]


def test_a_judge_that_is_the_extractor_too_is_loaded_once(llama, monkeypatch) -> None:
    from interp.runs import labelling_models as module

    loads: list[str] = []
    monkeypatch.setattr(module, "load_model", lambda name, **_: loads.append(name) or object())
    settings = Settings(model="m", data="d", correct="judge", judge="other", exact_answer="extract", extractor="other")
    found = labelling_models(settings, llama, {})
    assert loads == ["other"] and found["judge"] is found["extractor"]


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"correct": "choice"}, "needs a `wrong_answer` in every row"),
        ({"correct": "judge", "judge": "./nowhere"}, "no such file or folder"),
        ({"exact_answer": "extract", "extractor": "./nowhere"}, "no such file or folder"),
        ({"prompt_template": "{context} {question}"}, "the row has no `context`"),
        ({"chat": True}, "the tokenizer has no chat template"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_an_option_that_does_not_fit_leaves_the_folder_free(llama, rows, tmp_path, options: dict, error: str) -> None:
    with pytest.raises(interp.InterpError, match=error):
        interp.run(model=llama, data=rows, out=tmp_path / "run", **options)
    assert not (tmp_path / "run").exists()


def test_a_run_that_was_stopped_from_outside_keeps_its_first_file(llama, rows, tmp_path, monkeypatch) -> None:
    import interp.running.pipeline

    def stopped(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(interp.running.measuring, "generate_answers", stopped)
    with pytest.raises(KeyboardInterrupt):
        interp.run(model=llama, data=rows, out=tmp_path / "run")
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["run.json"]
