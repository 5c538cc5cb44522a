"""Every option of `interp run` and `interp plan` arrives in the settings of the run, one after the other."""

import argparse
import shlex
from dataclasses import fields
from pathlib import Path

import pytest

from interp.capturing.role_text import split_roles
from interp.capturing.roles import ROLES
from interp.command.commands import command_parser
from interp.command.options import add_run_options, run_options
from interp.errors import InterpError
from interp.runs.labelling_models import split_given
from interp.runs.rows import filled_in
from interp.runs.settings import Settings

ARRIVES = {
    "--model other": {"model": "other"},
    "--data more.jsonl": {"data": "more.jsonl"},
    "--columns question=Q,answer=A": {"columns": {"question": "Q", "answer": "A"}},
    "--limit 7": {"limit": 7},
    "--skip-unanswerable": {"skip_unanswerable": True},
    "--seed 3": {"seed": 3},
    "--device auto": {"device": "auto"},
    "--dtype bfloat16": {"dtype": "bfloat16"},
    "--processed-weights": {"processed_weights": True},
    "--batch-tokens 100": {"batch_tokens": 100},
    "--threads 3": {"threads": 3},
    "--prompt-template prompt.txt": {"prompt_template": "Q: {question}\nA:"},
    "--chat": {"chat": True},
    "--no-chat": {"chat": False},
    "--chat-option enable_thinking=false --chat-option 'day=May 1' --chat-option n=3": {
        "chat_options": {"enable_thinking": False, "day": "May 1", "n": 3}
    },
    "--prompt-date 2026-02-03": {"prompt_date": "2026-02-03"},
    "--max-new-tokens 5": {"max_new_tokens": 5},
    r"--stop '\n' --stop END": {"stop": ("\n", "END")},
    "--temperature 0.5": {"temperature": 0.5},
    "--temperature 1 --top-p 0.9": {"temperature": 1.0, "top_p": 0.9},
    "--temperature 1 --samples-per-question 4": {"temperature": 1.0, "samples_per_question": 4},
    "--temperature 1 --greedy-too": {"temperature": 1.0, "greedy_too": True},
    "--correct numeric": {"correct": "numeric"},
    "--correct judge --judge-model wise": {"correct": "judge", "judge": "wise"},
    "--exact-answer first_line": {"exact_answer": "first_line"},
    "--exact-answer extract --extractor-model wise": {"exact_answer": "extract", "extractor": "wise"},
    "--candidates candidates.txt": {"candidates": ("New York", "Rome")},
    "--answer-pattern 'is (.*)'": {"answer_pattern": "is (.*)"},
    "--sites 'resid_post, z,'": {"sites": ("resid_post", "z")},
    "--role third=exact_last+3 --role start=start": {"roles": (*ROLES, "third=exact_last+3", "start=start")},
    "--population all": {"population": "all"},
    "--probe ridge": {"probe": "ridge"},
    "--C 0.1": {"C": 0.1},
    "--C 0.1,1": {"C": (0.1, 1.0)},
    "--C cv": {"C": "cv"},
    "--folds 3": {"folds": 3},
    "--permutations 0": {"permutations": 0},
    "--no-controls": {"controls": False},
    "--controls": {},
    "--dataset imdb": {"dataset": "imdb"},
}
OF_THE_FOLDER = {"out", "help"}


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "prompt.txt").write_text("Q: {question}\nA:\n")
    (tmp_path / "candidates.txt").write_text("New York \n\n  Rome\n")
    return tmp_path


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(exit_on_error=False)
    add_run_options(made)
    return made


def settings_of(words: str) -> Settings:
    """As a run makes them of what the command line gives."""
    options = run_options(parser().parse_args(["--model", "m", "--data", "d", "--out", "o", *shlex.split(words)]))
    assert options.pop("out") == Path("o")
    texts, _ = split_given(filled_in(options))
    return Settings(**split_roles(texts)[0])


@pytest.mark.parametrize("words", ARRIVES)
def test_an_option_arrives_and_changes_nothing_else(files, words):
    before, after = settings_of(""), settings_of(words)
    names = {field.name for field in fields(Settings)}
    changed = {name: getattr(after, name) for name in names if getattr(after, name) != getattr(before, name)}
    if words.startswith("--dataset"):
        changed = {"dataset": changed["dataset"]}  # and what the data set fills in
    if words.startswith("--role"):
        assert [role.split("=")[0] for role in map(str, changed["roles"])][-2:] == ["third", "start"]
        assert changed["roles"][: len(ROLES)] == ROLES and set(changed) == {"roles"}
        return
    assert changed == ARRIVES[words]


def test_without_options_the_settings_are_the_defaults():
    assert settings_of("") == Settings(model="m", data="d")


def test_every_option_is_tried_here_and_every_setting_has_one():
    options = {action.dest: action.option_strings for action in parser()._actions if action.dest not in OF_THE_FOLDER}
    tried = {word for words in ARRIVES for word in shlex.split(words) if word.startswith("--")}
    assert tried == {string for strings in options.values() for string in strings}
    moved = {name for change in ARRIVES.values() for name in change}
    assert moved == {field.name for field in fields(Settings)}


def test_a_role_of_a_thought_needs_no_rule(files):
    assert settings_of("--role thought_last --role x=thought_last+1").roles == (
        *ROLES,
        "thought_last",
        "x=thought_last+1",
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--chat-option enable_thinking", "expected NAME=VALUE"),
        ("--chat-option a=1 --chat-option a=2", "--chat-option a: given twice"),
        ("--chat-option messages=1", "chat_options: expected the name of a variable"),
        ("--chat-option tokenize=false", "chat_options: expected the name of a variable"),
        ("--prompt-date 1.2.2026", "prompt_date: expected a day as YYYY-MM-DD, got '1.2.2026'"),
        ("--prompt-date 2026-02-30", "prompt_date: expected a day"),
    ],
)
def test_options_of_the_chat_are_checked(files, words, message):
    with pytest.raises(InterpError, match=message):
        settings_of(words)


@pytest.mark.parametrize("command", ["run", "plan"])
def test_both_commands_have_them(command):
    args = command_parser().parse([command, "--model", "m", "--out", "o", "--folds", "7"])
    assert run_options(args)["folds"] == 7 and run_options(args)["data"] is None


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("--columns question", "expected FIELD=COLUMN,… as in question=Question,answer=Answer, got 'question'"),
        (
            "--columns question=,a=b",
            "expected FIELD=COLUMN,… as in question=Question,answer=Answer, got 'question=,a=b'",
        ),
        ("--C strong", "expected a number, several as in 0.01,0.1,1, or cv, got 'strong'"),
        ("--dtype int8", "invalid choice: 'int8'"),
    ],
)
def test_a_value_that_cannot_be_read_is_said_by_the_parser(words, sentence):
    with pytest.raises(argparse.ArgumentError) as error:
        settings_of(words)
    assert sentence in str(error.value)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            "--role exact_last+3",
            "--role exact_last+3: expected NAME=ROLE, a column's own name and its role, as in mine=",
        ),
        ("--role a=start --role a=end", "--role a: given twice; give every column a name of its own"),
        ("--candidates none.txt", "the candidates file none.txt cannot be read: [Errno 2] No such file or directory"),
        ("--prompt-template none.txt", "the prompt template none.txt cannot be read: [Errno 2] No such file"),
    ],
)
def test_what_only_the_file_or_the_names_tell_is_one_sentence(files, words, sentence):
    with pytest.raises(InterpError) as error:
        settings_of(words)
    assert str(error.value).startswith(sentence)
