"""Data sets by name: rows from small files in the published form, and from the published files where they are."""

import csv
import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from interp.data.datasets import DATASETS, dataset, load_dataset
from interp.errors import DataError
from interp.generating.prompts import PromptFormat
from interp.labelling.correctness import correctness_rule
from interp.labelling.exact_answers import METHODS

FIXTURES = Path(__file__).parents[1] / "fixtures" / "published"
SHARED = Path(__file__).parents[2].parent / "shared" / "data" / "llmsknow"
FILES = {
    "triviaqa": "triviaqa.json",
    "hotpotqa": "hotpotqa.json",
    "hotpotqa_with_context": "hotpotqa.json",
    "natural_questions": "natural_questions.csv",
    "natural_questions_with_context": "natural_questions.csv",
    "movies": "movies.csv",
    "math": "math.csv",
    "winobias": "winobias.csv",
    "winogrande": "winogrande.csv",
    "mnli": "mnli.csv",
    "imdb": "imdb.csv",
}
HUB_FORMS = {
    "triviaqa": "triviaqa_hub.jsonl",
    "hotpotqa_with_context": "hotpotqa_hub.jsonl",
    "natural_questions": "natural_questions_hub.jsonl",
    "winogrande": "winogrande_hub.jsonl",
    "mnli": "mnli_hub.jsonl",
}
SHARED_FILES = {
    "movies": ("movie_qa_train.csv", 10000, 9856),
    "math": ("AnswerableMath.csv", 1950, 1948),
    "winobias": ("winobias_dev.csv", 1584, 197),
    "winogrande": ("winogrande_train.csv", 10000, 4135),
    "mnli": ("mnli_train.csv", 10000, 9631),
}


def load(name: str, *, chat: bool = True):
    if name == "math":  # its file holds a question without an answer
        with pytest.warns(UserWarning, match="1 not answerable; 2 rows"):
            return load_dataset(name, FIXTURES / FILES[name], chat=chat)
    return load_dataset(name, FIXTURES / FILES[name], chat=chat)


def test_every_data_set_has_a_fixture_and_names_rules_that_exist():
    assert set(FILES) == set(DATASETS)
    for name, preset in DATASETS.items():
        assert dataset(name) is preset
        assert preset.exact_answer in METHODS
        correctness_rule(preset.correct, load(name))


def test_rows_of_the_fixtures_verbatim():
    trivia = load("triviaqa")
    assert [row.id for row in trivia] == ["tc_33", "tc_49"]
    assert trivia[0].answers == ("Sunset Blvd", "West Sunset Boulevard", "Sunset Boulevard")
    assert trivia[1].question == "Who was the next British Prime Minister after Arthur Balfour?"
    assert trivia[1].answers == ("Campbell-Bannerman", "Sir Henry Campbell-Bannerman")

    hotpot = load("hotpotqa_with_context")
    assert (hotpot[0].id, hotpot[0].answers, load("hotpotqa")[0].context) == ("a1", ("yes",), None)
    lines = ["The lighthouse was built by Ann Hale.", " It is white.", "The harbour is old.", " Ann Hale built it."]
    assert hotpot[0].context == "\n".join(lines)

    natural = load("natural_questions_with_context")
    assert natural[1].answers == ("1851",) and natural[1].context.startswith("The lighthouse, a white tower,")
    assert load("natural_questions")[1].context is None

    assert load("movies")[0].question == "Who acted as Terry Benedict in the movie 'Ocean's Eleven'?"
    assert load("movies")[1].answers == ("Therese Giehse",)

    maths = load("math")
    assert [(row.id, row.answers) for row in maths] == [("507", ("9",)), ("508", ("28.26",))]
    assert maths[0].question.startswith("Mike made") and maths.left_out == {"not answerable": 1}

    assert load("mnli")[2].answers == ("neutral", "neutrality")
    assert [row.answers for row in load("imdb")] == [("positive",), ("negative",)]
    assert load("imdb")[0].question == 'A small film, told with care.<br /><br />I would watch it "again".'


@pytest.mark.parametrize("name", HUB_FORMS)
def test_the_hub_form_gives_the_same_row_as_the_published_file(name: str):
    ours = load_dataset(name, FIXTURES / HUB_FORMS[name])[0]
    file = {row.question.replace("Who does the blank", "What does the blank"): row for row in load(name)}
    theirs = file[ours.question]
    assert (ours.answers[0], ours.wrong_answer, ours.context, ours.group) == (
        theirs.answers[0],
        theirs.wrong_answer,
        theirs.context,
        theirs.group,
    )


def test_without_a_file_the_rows_come_from_the_hub(monkeypatch: pytest.MonkeyPatch):
    import datasets

    asked = []

    def stream(*args, **options):
        asked.append((*args, options["split"]))
        yield {"text": "Told with care.", "label": 1}
        yield {"text": "Three hours.", "label": 0}

    monkeypatch.setattr(datasets, "load_dataset", stream)
    rows = load_dataset("imdb", limit=1)
    assert asked == [("stanfordnlp/imdb", None, "train")]
    assert [(row.answers, row.source) for row in rows] == [(("positive",), "stanfordnlp/imdb:train 0")]


def test_a_hub_that_cannot_be_used_is_one_sentence(monkeypatch: pytest.MonkeyPatch):
    import datasets

    def offline(*_args, **_options):
        raise ConnectionError("Couldn't reach 'stanfordnlp/imdb' on the Hub\nand a long explanation")

    monkeypatch.setattr(datasets, "load_dataset", offline)
    with pytest.raises(DataError, match=r"imdb: stanfordnlp/imdb cannot be read .*give the published file") as error:
        load_dataset("imdb")
    assert "\n" not in str(error.value)
    with pytest.raises(DataError, match=r"movies is not on the Hugging Face hub; give its file"):
        load_dataset("movies")
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(DataError, match="pip install datasets"):
        load_dataset("triviaqa")


@pytest.mark.parametrize("name", DATASETS)
@pytest.mark.parametrize("chat", [True, False])
def test_prompts_hold_the_question_once_and_base_prompts_stop_at_a_line_break(name: str, chat: bool):
    preset = dataset(name)
    options = preset.options(chat=chat)
    template = PromptFormat(options["prompt_template"], chat=False)
    for row in load(name, chat=chat):
        text = template.filled(row)
        assert text.count(row.question) == 1
        assert row.context is None or text.index(row.context) < text.index(row.question)
        assert chat or not text.endswith((" ", "\n"))
    assert options["stop"] == (() if chat else ("\n",))


def test_winobias_and_winogrande_are_asked_otherwise_of_a_base_model():
    assert load("winobias")[0].question.endswith("the design. Who does the pronoun 'he' refer to?")
    assert load("winobias", chat=False)[0].question.endswith("the design. The pronoun 'he' refers to the")
    assert load("winogrande")[0].question.endswith("too tall. What does the blank refer to in the sentence?")
    assert load("winogrande", chat=False)[0].question.endswith("because the _ was too tall.")


def test_imdb_has_the_papers_twelve_positions():
    roles = dataset("imdb").roles
    assert len(roles) == 12
    assert not {"first_answer", "second_answer", "exact_answer_before_first"} & set(roles)


def test_twins_share_a_group():
    first, anti, other_referent, another = (row.group for row in load("winobias"))
    assert first == anti == other_referent == "designer / developer" and another == "ceo / clerk"
    tall, low, another = (row.group for row in load("winogrande"))
    assert tall == low != another
    entails, contradicts, another = (row.group for row in load("mnli"))
    assert entails == contradicts == 'The boat "Ida" left at noon' and another == "It rained"


@pytest.mark.parametrize("name", DATASETS)
def test_gold_answers_are_right_and_answers_of_other_rows_wrong(name: str):
    rows = load(name)
    rule = correctness_rule(dataset(name).correct, rows)
    for row in rows:
        said = [f"I think it is {answer}." for answer in row.answers]
        assert all(rule(row, text) for text in said)
        other = row.wrong_answer or next(r.answers[0] for r in rows if not set(r.answers) & set(row.answers))
        assert rule(row, f"I think it is {other}.") is False


def test_errors_name_file_line_and_columns(tmp_path: Path):
    with pytest.raises(DataError, match=r"dataset: expected one of triviaqa, hotpotqa, .*imdb, got 'squad2'"):
        load_dataset("squad2")
    with pytest.raises(
        DataError, match=r"movies.csv:2: winobias has the columns sentence q .*; found: Question Answer"
    ):
        load_dataset("winobias", FIXTURES / "movies.csv")
    bad = tmp_path / "imdb.csv"
    bad.write_text("text,label\nfine,1\nodd,2\n")
    with pytest.raises(DataError, match=r"imdb.csv:3: not a record of imdb as it is published .*KeyError '2'"):
        load_dataset("imdb", bad)
    with pytest.raises(DataError, match="there is no such file"):
        load_dataset("movies", tmp_path / "absent.csv")


needs_published_files = pytest.mark.skipif(not SHARED.exists(), reason="the published files are not there")


@needs_published_files
def test_the_published_files_are_read_whole():
    """In a process of its own: the type checks of the tests would take a minute for 33,534 rows."""
    code = """
import json, sys
from interp.data.datasets import load_dataset
from interp.statistics.folds import normalise_question
for name, path in json.loads(sys.argv[1]).items():
    rows = load_dataset(name, path)
    groups = {row.group or normalise_question(row.question) for row in rows}
    print(name, len(rows), len(groups), rows.left_out)
"""
    paths = {name: str(SHARED / file) for name, (file, _, _) in SHARED_FILES.items()}
    done = subprocess.run(
        [sys.executable, "-c", code, json.dumps(paths)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    expected = [f"{name} {n} {groups} {{}}" for name, (_, n, groups) in SHARED_FILES.items()]
    assert done.stdout.splitlines() == expected


@needs_published_files
@pytest.mark.parametrize("name", SHARED_FILES)
def test_rows_of_the_published_files(name: str):
    with (SHARED / SHARED_FILES[name][0]).open(encoding="utf-8", newline="") as lines:
        published = list(csv.DictReader(lines))[:300]
    rows = load_dataset(name, SHARED / SHARED_FILES[name][0], limit=300)
    column = {"winobias": "sentence", "math": "question"}.get(name, "Question")
    assert all(record[column].strip() in row.question for record, row in zip(published, rows, strict=True))
    rule = correctness_rule(dataset(name).correct, rows)
    for row in rows[:100]:
        assert rule(row, f"The answer is {row.answers[0]}.") is True
        others = [row.wrong_answer] if row.wrong_answer else [r.answers[0] for r in rows if r.answers != row.answers]
        assert rule(row, f"The answer is {others[0]}.") is False
    if name == "winobias":
        sentence = {record["sentence"]: row.group for record, row in zip(published, rows, strict=True)}
        halves = defaultdict(set)
        for text, group in sentence.items():
            halves[text.split(" because ")[0]].add(group)
        assert len(halves) < 200 and all(len(groups) == 1 for groups in halves.values())
