"""Runs on answers as models give them: thoughts, one-sided data, a limit, a clock, turns of a chat."""

import json
from copy import deepcopy

import numpy as np
import pytest

import interp
from interp.command.cli import main
from interp.errors import DataError, RunError

FAST = {"permutations": 0, "controls": False, "folds": 2, "roles": ["last_q", "exact_answer_first"]}
CLOCK = (
    "{{ strftime_now('%d %B %Y') }}|{% for m in messages %}{{ m.role }}: {{ m.content }}|{% endfor %}"
    "{% if add_generation_prompt %}bot:{% endif %}"
)


def thinking_rows(n: int = 40) -> list[dict]:
    """Every thought names the right city; every other answer is another one; one thought never ends."""
    rows = []
    for i in range(n):
        said = f"City {i}" if i % 2 else f"Town {i}"
        text = f"<think>\nIs it City {i}?\n</think>\n\n{said}"
        rows.append({"id": f"r{i}", "question": f"What is number {i}?", "answer": f"City {i}", "completion": text})
    rows[0]["completion"] = "<think>City 0, I believe"
    return rows


@pytest.fixture(scope="module")
def thought(llama, tmp_path_factory):
    folder = tmp_path_factory.mktemp("thought") / "run"
    options = FAST | {"roles": ["last_q", ("thought_last", "thought_last"), ("final", "final_first")]}
    return interp.run(model=llama, data=thinking_rows(), out=folder, exact_answer="first_line", **options)


def test_a_run_reads_the_final_answer(thought):
    answers = thought.answers
    assert answers.correct == [None] + [i % 2 == 1 for i in range(1, 40)]
    assert answers.exact_answer[1:] == [f"City {i}" if i % 2 else f"Town {i}" for i in range(1, 40)]
    assert answers.status[0] == "unfinished_thought" and thought.settings["counts"]["status"]["unfinished_thought"] == 1
    assert [text.strip() for text in answers.final] == ["", *answers.exact_answer[1:]]
    first = [span[0] for span in answers.exact_answer_tokens[1:]]
    assert thought.positions.index[1:, thought.positions.roles.index("final")].tolist() == first
    last = [span[1] for span in answers.thought_tokens]
    assert thought.positions.index[:, thought.positions.roles.index("thought_last")].tolist() == last
    assert not thought.positions.valid[0, thought.positions.roles.index("final")]


def test_its_reader_is_told(thought):
    assert "1 of 40 completions never end their thought" in thought.summary()
    page = thought.folder.report.read_text()
    assert "1 of 40 completions never end their thought" in page and "unfinished_thought" in page


def test_answers_with_thoughts_come_back_from_the_file(thought):
    again = interp.open_run(thought.folder.path).answers
    for name in ("thought_tokens", "final_answer_tokens", "final_answer_chars", "text", "status", "correct"):
        assert getattr(again, name) == getattr(thought.answers, name)


def one_sided(llama, folder):
    """Open questions: wrong answers are no accepted answer of another row, so that candidates find the right ones only."""
    rows = [row | {"completion": row["completion"].split("</think>")[-1].strip()} for row in thinking_rows()]
    rows[0]["completion"] = "Town 0"
    with pytest.raises(DataError) as refused:
        interp.run(model=llama, data=rows, out=folder, exact_answer="candidates", **FAST)
    return rows, str(refused.value)


def test_a_one_sided_population_loses_nothing(llama, tmp_path):
    folder = tmp_path / "run"
    rows, said = one_sided(llama, folder)
    assert "all 20 samples of the population are correct" in said
    assert "20 wrong and 0 right answers have no exact answer by the method 'candidates'" in said
    assert f"`interp.resume({str(folder)!r}, data=…, model=…, exact_answer='first_line')`" in said
    told = interp.open_run(folder).status().splitlines()[-1]  # not the plain resume, which would end so again
    assert said.startswith(told) and "Nothing is lost: go on with" in told
    with pytest.raises(DataError, match="answer pattern must have one group"):
        interp.resume(folder, model=llama, data=rows, answer_pattern="no group")
    run = interp.resume(folder, model=llama, data=rows, exact_answer="first_line")
    assert run.status().endswith("finished") and "refused" not in run.settings
    assert run.settings["counts"]["population"] == 40 and run.settings["settings"]["exact_answer"] == "first_line"
    assert run.settings["used"]["exact_answer"] == "first_line" and "candidates" not in run.settings["used"]
    fresh = interp.run(model=llama, data=rows, out=tmp_path / "fresh", exact_answer="first_line", **FAST)
    for name in ("samples.jsonl", "grid.csv"):
        assert (folder / name).read_bytes() == (fresh.folder.path / name).read_bytes()


def test_a_finished_run_says_that_it_is_labelled(thought):
    with pytest.raises(RunError, match="labelled and located already"):
        interp.resume(thought.folder.path, population="all")
    assert interp.resume(thought.folder.path, population="exact_answer").settings["state"] == "done"


def test_where_all_are_located_another_method_is_no_way_out(llama, tmp_path):
    rows = [{"question": f"Number {i}?", "answer": "x", "completion": f"It is {i}."} for i in range(24)]
    with pytest.raises(DataError, match="ask other questions, or judge the answers otherwise") as refused:
        interp.run(model=llama, data=rows, out=tmp_path / "run", exact_answer="first_line", **FAST)
    assert "--exact-answer" not in str(refused.value) and (tmp_path / "run" / "answers.jsonl").exists()


def test_labelled_answers_are_not_labelled_anew(llama, thought):
    record = json.loads(thought.folder.run_json.read_text())
    thought.folder.run_json.write_text(json.dumps(record | {"state": "probing"}))
    try:
        with pytest.raises(RunError, match="labelled and located already"):
            interp.resume(thought.folder.path, model=llama, data=thinking_rows(), exact_answer="last_number")
    finally:
        thought.folder.run_json.write_text(json.dumps(record))


def test_answers_are_not_given_again_for_another_method(llama_folder, tmp_path, monkeypatch):
    """On the command line: the model answers once; the method is chosen anew on what it said."""
    data = tmp_path / "rows.jsonl"
    rows = [{"question": f"Number {i}?", "answer": "e" if i % 2 else "\u4e00"} for i in range(24)]
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    out = tmp_path / "run"
    common = ["--max-new-tokens", "12", "--permutations", "0", "--no-controls", "--folds", "2"]
    candidates = tmp_path / "none.txt"
    candidates.write_text("no such answer\n")
    wrong = ["--candidates", str(candidates)]
    assert main(["run", "--model", str(llama_folder), "--data", str(data), "--out", str(out), *common, *wrong]) == 2
    import interp.generating.generation as generation

    def never(*_: object, **__: object):
        raise AssertionError("nothing is answered again")

    monkeypatch.setattr(generation, "_generate_batch", never)
    assert main(["resume", str(out), "--answer-pattern", r"(\S+)", "--population", "all"]) in (0, 2)
    record = json.loads((out / "run.json").read_text())
    assert record["settings"]["answer_pattern"] == r"(\S+)" and record["settings"]["candidates"] is None
    kept = [
        json.loads(line)
        for line in (out / ("samples" if record["state"] == "done" else "answers"))
        .with_suffix(".jsonl")
        .read_text()
        .splitlines()
    ]
    assert len(kept) == 24 and {line["exact_answer_method"] for line in kept} <= {"pattern", None}


@pytest.mark.parametrize("limit", [20, None])
def test_a_limit_changes_nothing_of_what_is_found(llama, tmp_path, limit):
    """Candidates are every accepted answer of the data, also of the rows that a limit leaves out."""
    names = ("France", "Spain", "Italy", "Kenya", "Peru", "Chad", "Mali", "Togo")
    rows = [
        {"id": f"{i}", "question": f"Where is city {i}?", "answer": names[i % 8 if i >= 20 else i % 2],
         "completion": f"It is in {names[(i * 3) % 8]}."}
        for i in range(60)
    ]  # fmt: skip
    plan = interp.plan(model=llama, data=rows, limit=limit, time=False)
    assert "`candidates`" in plan.exact_answer and "closed set" in plan.exact_answer
    run = interp.run(model=llama, data=rows, out=tmp_path / "run", limit=limit, **FAST)
    assert run.settings["used"]["candidates"]["number"] == 8
    assert run.settings["used"]["exact_answer_choice"] == plan.exact_answer and plan.exact_answer in run.summary()
    assert run.answers.status[:20] == ["ok"] * 20


@pytest.fixture
def chatty(llama):
    model = deepcopy(llama)
    model.tokenizer.chat_template = CLOCK
    return model


def test_the_clock_of_a_run_stands_still_and_is_recorded(chatty, tmp_path):
    rows = [{"question": f"Number {i}?", "answer": "e", "correct": i % 2 == 0} for i in range(24)]
    options = FAST | {"max_new_tokens": 12, "population": "all"}
    run = interp.run(model=chatty, data=rows, out=tmp_path / "a", **options)
    assert run.settings["used"]["prompt_date"] == "2025-01-01"
    assert all(prompt.startswith("01 January 2025|user: ") for prompt in run.answers.prompt)
    other = interp.run(model=chatty, data=rows, out=tmp_path / "b", prompt_date="2031-05-06", **options)
    assert other.answers.prompt[0].startswith("06 May 2031|")
    assert np.any([a != b for a, b in zip(run.answers.prompt_ids, other.answers.prompt_ids, strict=True)])


def test_yesterdays_answers_are_not_put_after_todays_prompts(llama, tmp_path):
    from interp.generating.answer_log import AnswerLog

    path = tmp_path / "log"
    rows = [interp.QARow("a", "Where?", ("there",))]
    interp.generate_answers(llama, rows, max_new_tokens=2, log=AnswerLog(path, run="r"))
    with pytest.raises(RunError, match="the prompts are not those that were answered"):
        interp.generate_answers(
            llama, rows, max_new_tokens=2, prompt_template="Q: {question}", log=AnswerLog(path, run="r")
        )
    interp.generate_answers(llama, rows, max_new_tokens=2, log=AnswerLog(path, run="r"))


def test_a_thinking_model_needs_room_and_that_is_said_before(chatty, tmp_path):
    chatty.tokenizer.chat_template = (
        CLOCK + "{% if enable_thinking is defined and not enable_thinking %}<think></think>{% endif %}"
    )
    rows = [{"question": f"Number {i}?", "answer": f"{i}"} for i in range(24)]
    notes = interp.plan(model=chatty, data=rows, time=False).notes
    assert "a place for a thought, and max_new_tokens is 32" in notes[0] and "enable_thinking=false" in notes[0]
    assert interp.plan(model=chatty, data=rows, time=False, chat_options={"enable_thinking": False}).notes == ()
    rows = [row | {"correct": i % 2 == 0} for i, row in enumerate(rows)]
    options = FAST | {"max_new_tokens": 4, "population": "all"}
    with pytest.warns(UserWarning, match="a place for a thought, and max_new_tokens is 4"):
        interp.run(model=chatty, data=rows, out=tmp_path / "run", exact_answer="first_line", **options)
    bare = interp.plan(model=chatty, data=rows, time=False, prompt_template="Q: {question}").notes
    assert "has a chat template, and the prompts are plain text" in bare[0]
