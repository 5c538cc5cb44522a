"""What a data set fills into a run: options the user did not give, the prompt by the tokenizer, and the run's record."""

import csv
import json
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

import interp
from interp.command.cli import main
from interp.data.datasets import dataset
from interp.errors import DataError
from interp.runs.rows import IN_PYTHON, asked, filled_in, read_rows
from interp.runs.settings import Settings

FIXTURES = Path(__file__).parents[1] / "fixtures" / "published"
CHAT, BASE = SimpleNamespace(chat_template="{{ messages }}"), SimpleNamespace(chat_template=None)


def settings(name: str, file: str, **options) -> Settings:
    return Settings(model="m", data=str(FIXTURES / file), **filled_in({"dataset": name, **options}))


def test_a_data_set_fills_in_what_is_not_given():
    imdb = settings("imdb", "imdb.csv")
    assert (imdb.correct, imdb.exact_answer, imdb.max_new_tokens, len(imdb.roles)) == ("label", "candidates", 100, 12)
    maths = settings("math", "math.csv", max_new_tokens=20, correct="contains", chat=None)
    assert (maths.correct, maths.exact_answer, maths.max_new_tokens) == ("contains", "last_number", 20)
    assert maths.roles == interp.ROLES
    third = filled_in({"dataset": "imdb", "roles": {"third": "exact_last+3"}})["roles"]
    assert third == (*dataset("imdb").roles, ("third", "exact_last+3"))
    # Candidates or a pattern imply a method of their own.
    assert settings("triviaqa", "triviaqa.json", candidates=("Paris",)).exact_answer is None
    assert filled_in({"seed": 3, "chat": None}) == {"seed": 3}
    with pytest.raises(DataError, match="dataset: expected one of triviaqa, .*, got 'films'"):
        filled_in({"dataset": "films"})
    with pytest.raises(DataError, match="'imdb' has its own; leave one of the two out"):
        settings("imdb", "imdb.csv", columns={"question": "text"})


@pytest.mark.parametrize(
    ("given", "tokenizer", "chat"),
    [
        ({}, CHAT, True),
        ({}, BASE, False),
        ({"chat": False}, CHAT, False),
        ({"chat": True}, BASE, True),
        ({"prompt_template": "{question} ?"}, CHAT, False),
    ],
)
def test_the_prompt_goes_by_the_tokenizer_unless_the_user_says_otherwise(given, tokenizer, chat):
    before = settings("winogrande", "winogrande.csv", **given)
    rows = read_rows(before)
    after, again = asked(before, rows, None, tokenizer)
    form = dataset("winogrande").options(chat=chat)
    assert (after.chat, after.stop) == (chat, form["stop"])
    assert after.prompt_template == given.get("prompt_template", form["prompt_template"])
    assert again[0].question.endswith("in the sentence?") == chat
    assert read_rows(after)[0].question == again[0].question  # what `resume` reads
    own = settings("winogrande", "winogrande.csv", stop=(".",), **given)
    assert asked(own, rows, None, tokenizer)[0].stop == (".",)


def test_rows_given_in_python_are_asked_as_they_are():
    rows = interp.load_dataset("winogrande", FIXTURES / "winogrande.csv")
    before = Settings(model="m", data=IN_PYTHON, **filled_in({"dataset": "winogrande"}))
    once = read_rows(before, iter(rows))
    assert asked(before, once, iter(()), BASE)[1] is once
    with pytest.raises(DataError, match="there is no data"):
        interp.run(model="m", out="nowhere")


def test_run_dataset_movies(llama, llama_folder, tmp_path, capsys):
    """A tiny random model is right about a film if the film's answer is a word of what it says anyway."""
    questions = [f"Who acted as No {i} in the movie 'M{i % 7}'?" for i in range(60)]
    preset = dataset("movies").options(chat=False)
    said = interp.generate_answers(
        llama,
        interp.load_rows([{"question": question, "answer": "?x"} for question in questions]),
        prompt_template=preset["prompt_template"],
        stop=preset["stop"],
        max_new_tokens=6,
    )
    words = [next(iter(re.findall(r"\w+", text)), "nothing") for text in said.text]
    file, out = tmp_path / "movie_qa.csv", tmp_path / "run"
    with file.open("w", encoding="utf-8", newline="") as lines:
        table = csv.writer(lines)
        table.writerow(["Question", "Answer"])
        table.writerows((question, words[i - i % 2]) for i, question in enumerate(questions))
    command = ["run", "--model", str(llama_folder), "--dataset", "movies", "--data", str(file), "--out", str(out)]
    own = ["--max-new-tokens", "6", "--exact-answer", "candidates"]
    assert main([*command, *own, "--permutations", "5", "--no-controls"]) == 0
    run = interp.open_run(out)
    record = json.loads(run.folder.run_json.read_text(encoding="utf-8"))
    expected = {"dataset": "movies", "correct": "contains", "exact_answer": "candidates", "chat": False}
    expected |= {"max_new_tokens": 6, "prompt_template": "Q: {question}\nA:", "stop": ["\n"], "data": str(file)}
    assert {name: record["settings"][name] for name in expected} == expected
    assert record["data"]["left_out"] == {} and record["data"]["rows"] == 60
    assert run.answers.prompt[0] == f"Q: {questions[0]}\nA:"
    assert run.answers.text == said.text
    pairs = list(zip(words, run.answers.correct, strict=True))
    assert all(right == (word != "nothing") for word, right in pairs[::2]) and sum(right for _, right in pairs) < 50

    capsys.readouterr()
    assert main([*command[:-1], str(tmp_path / "other"), "--columns", "question=Question"]) == 2
    assert "'movies' has its own" in capsys.readouterr().err


def test_any_file_with_its_own_columns(tmp_path):
    file = tmp_path / "trivia.csv"
    file.write_text("Frage,Antwort,Nr\nWo liegt Wien?,Österreich,7\n", encoding="utf-8")
    columns = {"question": "Frage", "answer": "Antwort", "id": "Nr"}
    (row,) = read_rows(Settings(model="m", data=str(file), columns=columns))
    assert (row.id, row.question, row.answers) == ("7", "Wo liegt Wien?", ("Österreich",))
    again = Settings.from_json(json.loads(json.dumps(Settings(model="m", data=str(file), columns=columns).to_json())))
    assert again.columns == columns


def test_columns_on_the_command_line(tmp_path, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["run", "--model", "m", "--data", "x.csv", "--out", str(tmp_path / "run"), "--columns", "question"])
    assert stopped.value.code == 2
    assert "expected FIELD=COLUMN" in capsys.readouterr().err
    file = tmp_path / "rows.csv"
    file.write_text("Q,A\nWhere?,There\n", encoding="utf-8")
    command = ["run", "--model", "m", "--data", str(file), "--out", str(tmp_path / "run"), "--columns"]
    assert main([*command, "question=Q,answer=B"]) == 2
    assert "no answer: expected text in the column 'B'; found the columns: Q, A" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["abc", "1,", "0.1;1"])
def test_what_is_no_strength_is_said_in_words(text, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["run", "--model", "m", "--data", "x.csv", "--out", "run", "--C", text])
    assert f"argument --C: expected a number, several as in 0.01,0.1,1, or cv, got '{text}'" in capsys.readouterr().err
