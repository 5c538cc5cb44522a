"""Files as they are published: what each form becomes, as the table of docs/datasets.md says it."""

import re
import warnings
from pathlib import Path

import pytest

import interp
from interp.data.datasets import load_dataset
from interp.data.rows import load_rows
from interp.generating.prompts import PromptFormat
from interp.labelling.correctness import correctness_rule

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "tests" / "fixtures" / "published"

FORMS = {
    "MMLU": "mmlu.jsonl",
    "MMLU-Pro": "mmlu_pro.jsonl",
    "ARC": "arc.jsonl",
    "ARC, the authors' file": "arc_ai2.jsonl",
    "OpenBookQA": "openbookqa.jsonl",
    "CommonsenseQA": "commonsenseqa.jsonl",
    "HellaSwag": "hellaswag.jsonl",
    "RACE": "race.jsonl",
    "PIQA": "piqa.jsonl",
    "Social IQa": "social_iqa.jsonl",
    "CosmosQA": "cosmosqa.jsonl",
    "COPA": "copa.jsonl",
    "Winogrande": "winogrande_hub.jsonl",
    "MedQA": "medqa.jsonl",
    "MedMCQA": "medmcqa.jsonl",
    "AQuA": "aqua.jsonl",
    "SciQ": "sciq.jsonl",
    "GPQA": "gpqa.csv",
    "TruthfulQA, `multiple_choice`": "truthfulqa_multiple_choice.jsonl",
    "TruthfulQA, `generation`": "truthfulqa_generation.jsonl",
    "TruthfulQA, the authors' file": "truthfulqa.csv",
    "PopQA": "popqa.tsv",
    "SimpleQA": "simpleqa.csv",
    "TriviaQA, the authors' file": "triviaqa.json",
    "TriviaQA": "triviaqa_hub.jsonl",
    "NQ-open": "natural_questions_hub.jsonl",
    "SQuAD, the authors' file": "squad.json",
    "SQuAD": "squad_hub.jsonl",
    "SQuAD 2.0": "squad_v2_hub.jsonl",
    "GSM8K": "gsm8k.jsonl",
    "BoolQ": "boolq.jsonl",
    "Geometry of Truth": "statements.csv",
    "TruthfulQA, `mc_task.json`": "truthfulqa_mc_task.json",
    "MMLU, `auxiliary_train`": "mmlu_auxiliary.jsonl",
    "BIG-bench, the authors' file": "big_bench.json",
    "BoolQ, SuperGLUE": "superglue_boolq.jsonl",
    "MATH": "math.jsonl",
    "HotpotQA, the authors' file": "hotpotqa.json",
    "HotpotQA": "hotpotqa_hub.jsonl",
    "MuSiQue": "musique.jsonl",
    "ComplexWebQuestions": "complex_webquestions.json",
    "HaluEval": "halueval_qa.json",
    "SelfAware": "selfaware.json",
    "CounterFact": "counterfact.json",
    "CounterFact, `counterfact-tracing`": "counterfact_tracing.jsonl",
}
"""Data sets to files in their form; where no other is named, that of the Hugging Face hub."""


def load(name: str):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "questions without an answer are left out")
        return load_rows(FOLDER / FORMS[name])


def table() -> str:
    """The table, as the docs have it."""
    lines = ["| data set | form | read as | rule | rows |", "|---|---|---|---|---|"]
    for name, file in FORMS.items():
        rows = load(name)
        ending = Path(file).suffix.removeprefix(".").upper()
        read_as = ", ".join(f"`{form}`" for form in rows.read_as) or "`question`, `answer`"
        rule = ", ".join(rows.run_options.values()) or ("their `label`" if rows[0].correct is not None else "contains")
        left_out = "".join(f", {n} left out: {why}" for why, n in rows.left_out.items())
        lines.append(f"| {name} | {ending} | {read_as} | {rule} | {len(rows)}{left_out} |")
    return "\n".join(lines)


def test_the_table_of_the_docs_is_what_the_files_become():
    assert table() in (ROOT / "docs" / "datasets.md").read_text(encoding="utf-8"), f"put this table there:\n{table()}"


@pytest.mark.parametrize("name", FORMS)
def test_the_accepted_answers_are_right_and_others_wrong(name):
    rows = load(name)
    rule = correctness_rule(rows.run_options.get("correct", "contains"), rows)
    for row in rows:
        if row.correct is not None:
            assert rule(row, "anything") is row.correct
            continue
        assert row.question.strip() and row.answers
        assert all(rule(row, f"The answer is {answer}") for answer in row.answers)
        assert all(rule(row, letter) for letter in row.right_letters)
        assert not rule(row, "I do not know")
        if row.options:
            assert len(row.right_letters) == len(row.answers) == 1
            assert not any(rule(row, f"The answer is {wrong}") for wrong in row.wrong_answers)


@pytest.mark.parametrize("name", FORMS)
def test_the_options_stand_in_the_prompt_and_the_key_does_not(name):
    for row in load(name):
        text = PromptFormat().filled(row) if row.prompt is None else row.prompt
        if row.correct is not None:
            assert text == ""
        elif row.options:
            assert all(
                f"\n{letter}. {option}\n" in text for letter, option in zip("ABCDEFGHIJ", row.options, strict=False)
            )
            assert row.question in text and text.endswith("\nAnswer:")
        else:
            assert text == row.question


def test_a_published_form_that_is_not_plain_says_what_it_was_read_as():
    plain = [name for name in FORMS if not load(name).read_as]
    assert plain == ["NQ-open", "SQuAD, the authors' file", "SelfAware"]


def test_reviews_are_read_by_the_name_of_their_data_set():
    rows = load_dataset("imdb", FOLDER / "imdb_kaggle.csv")
    assert [row.answers for row in rows] == [("positive",), ("negative",)]
    with pytest.raises(interp.DataError, match=r"imdb_kaggle.csv:2: .*--dataset imdb"):
        load_rows(FOLDER / "imdb_kaggle.csv")


def test_the_table_names_every_file_of_the_folder_that_load_rows_reads():
    """The others are files of the data sets that are known by name."""
    named = re.findall(
        r"\w+\.(?:jsonl?|csv|tsv)", (ROOT / "tests" / "data" / "test_datasets.py").read_text(encoding="utf-8")
    )
    files = {path.name for path in FOLDER.iterdir() if path.suffix != ".md"}
    assert files - set(named) - set(FORMS.values()) == {"imdb_kaggle.csv"}
