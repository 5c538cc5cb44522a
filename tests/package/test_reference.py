"""The API reference and the map of the tree are what `make docs` writes, complete, and lead to the code."""

import inspect
import re
from collections import Counter
from math import log
from pathlib import Path

import build
import pytest
import reference
import rooms
from test_rooms import ROOMS
from wording import markdown, plain, table, words

import interp

ROOT = Path(__file__).parents[2]
PAGES = {path: text for path, text in build.made().items() if path.parent.name == "reference"}
TREE = PAGES[Path("docs/reference/tree.md")]
STEPS = {path: text for path, text in PAGES.items() if path.stem not in ("README", "tree")}


def test_what_is_committed_is_what_the_command_writes() -> None:
    assert build.stale(build.made()) == [], "run `make docs`"


def test_a_stale_file_is_found() -> None:
    made = build.made()
    page = Path("docs/reference/grids.md")
    assert build.stale({**made, page: made[page] + "\n"}) == [str(page)]
    assert build.stale({name: text for name, text in made.items() if name != page}) == [str(page)]
    assert build.stale({**made, Path("docs/reference/new.md"): ""}) == ["docs/reference/new.md"]


def test_every_public_name_stands_on_one_page() -> None:
    headings = Counter(
        name for text in STEPS.values() for name in re.findall(r"^## (?:class )?interp\.(\w+)$", text, re.M)
    )
    assert headings == Counter(interp.__all__)
    for text in PAGES.values():
        anchors = [reference.slug(found) for found in re.findall(r"^#+ (.+)$", text, re.M)]
        assert len(anchors) == len(set(anchors))


def part(name: str) -> str:
    """What the reference says of a public name."""
    text = next(text for text in STEPS.values() if f"\n## {reference.heading(name)}\n" in text)
    return text.split(f"\n## {reference.heading(name)}\n")[1].split("\n## ")[0]


@pytest.mark.parametrize("name", [name for name in interp.__all__ if inspect.isfunction(getattr(interp, name))])
def test_a_functions_part_says_all_of_it(name: str) -> None:
    function, said = getattr(interp, name), part(name)
    told = re.findall(r"^\| `(\w+)` \|", said, re.M)
    assert sorted(told) == sorted(inspect.signature(function).parameters)
    assert (function.__doc__ or "").strip().partition("\n")[0] in said
    assert "```pycon\n>>> " in said
    defined = re.search(r"In \[`(.+?)`\]", said)[1]
    assert f"def {name}(" in (ROOT / defined).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [name for name in interp.__all__ if inspect.isclass(getattr(interp, name))])
def test_a_classs_part_says_all_of_it(name: str) -> None:
    said = part(name)
    for member in reference.members(getattr(interp, name)):
        assert f"### {name}.{member}\n" in said
    rows = [line.split(" | ") for line in said.splitlines() if re.match(r"\| `\w+` \|", line)]
    assert all(cells[-1].strip(" |") for cells in rows), "a field or parameter without a word"


def test_words_of_types_and_texts() -> None:
    assert words(int | None) == "`int` or None" and words("Capture") == "`Capture`"
    run = inspect.signature(interp.run).parameters
    assert words(run["model"].annotation) == "a name, folder, GGUF file, hooked model or Hugging Face model"
    assert plain(dict[str, list[int]]) == "dict[str, list[int]]"
    assert table(("a",), [("b | c",)]) == "| a |\n| --- |\n| b \\| c |\n"
    said = markdown("Does it.\n\n>>> 1\n1\n\nReturns a Dataset:\n    auc (layer): the AUC\n\n    Match(1)  # so")
    assert (
        said
        == "Does it.\n\n```pycon\n>>> 1\n1\n```\n\nReturns a Dataset:\n\n- `auc` (layer): the AUC\n\n```py\nMatch(1)  # so\n```\n"
    )


# The map --------------------------------------------------------------------------------------------------------------


def test_the_rooms_are_those_of_the_order() -> None:
    assert rooms.ORDER.split(" · ") == list(ROOMS)
    listed = re.findall(r"^\| `([\w/]+)/` \|", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.M)
    assert listed == [str(room.relative_to(ROOT / "interp")) for room in rooms.rooms()]


def test_every_file_stands_in_the_map() -> None:
    linked = re.findall(r"\]\(\.\./\.\./(interp/.+?\.py)\)", TREE)
    there = {str(path.relative_to(ROOT)) for path in (ROOT / "interp").glob("*/**/*.py") if path.name != "__init__.py"}
    assert set(linked) == there and len(linked) == len(there)


def files() -> dict[str, str]:
    """What a stranger has to go by: path and first line of every file."""
    lines = {}
    for room in rooms.rooms():
        for path in set(room.glob("*.py")) - {room / "__init__.py"}:
            lines[str(path.relative_to(ROOT / "interp"))] = f"{path.relative_to(ROOT)} {rooms.first_line(path)}"
    return lines


def stems(text: str) -> set[str]:
    """The words of a text by their first six letters, without the small ones."""
    small = {
        "where",
        "which",
        "what",
        "does",
        "that",
        "this",
        "with",
        "from",
        "into",
        "the",
        "how",
        "are",
        "and",
        "for",
    }
    return {word[:6] for word in re.findall(r"[a-z]+", text.lower().replace("_", " ")) if len(word) > 2} - small


def found(question: str) -> list[str]:
    """Files in the order in which their path and first line answer to the words of a question, rare words first."""
    said = {name: stems(line) for name, line in files().items()}
    often = Counter(stem for line in said.values() for stem in line)
    weight = {stem: log(len(said) / often[stem]) for stem in often}
    score = {name: sum(weight[stem] for stem in line & stems(question)) for name, line in said.items()}
    return sorted(score, key=lambda name: (-score[name], name))


QUESTIONS = {
    "Where is the exact answer of a completion located?": "labelling/exact_answers.py",
    "Where is the AUC computed, with its interval?": "statistics/auc.py",
    "Where does generation stop, at which stop string?": "text/stopping.py",
    "Where are folds made, so that groups stay together?": "statistics/folds.py",
    "Where is it decided whether an answer is right?": "labelling/correctness.py",
    "Where are the fifteen token positions defined?": "capturing/roles.py",
    "Where are attention metrics computed from the pattern?": "capturing/attention.py",
    "Where are labels permuted?": "controls/permutations.py",
    "Where are the control task and the shuffled labels?": "controls/controls.py",
    "Where is a model loaded?": "models/loading.py",
    "Where does a thought end and the final answer begin?": "text/thoughts.py",
    "Where is the best cell chosen?": "comparing/best_cell.py",
    "Where is the heatmap drawn?": "reporting/heatmap.py",
    "Where is the report written?": "reporting/report.py",
    "Where is the logistic regression solved?": "fitting/solver.py",
    "Where are activations written to disk as shards?": "storing/shard_io.py",
    "Where is a run that was stopped resumed?": "running/pipeline.py",
    "Where is the direction projected out, or added in a hook?": "applying/fitted_probe.py",
    "Where is memory estimated before a run?": "planning/footprint.py",
    "Where is the chat template applied to a prompt?": "generating/chat.py",
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_strangers_question_leads_to_the_file(question: str) -> None:
    assert QUESTIONS[question] in found(question)[:3]
