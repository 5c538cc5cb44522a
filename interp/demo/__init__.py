"""The embedded default: a small language model that was really trained, and the questions it is asked."""

from pathlib import Path
from shutil import rmtree
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from interp.capturing.activations import Capture
    from interp.labelling.answers import Answers
    from interp.models.loading import HookedModel
    from interp.runs.opened_run import Run
    from interp.runs.run_folder import RunFolder

PROMPT_TEMPLATE = "Question: {question}\nAnswer:"
"""The whole prompt; the tokenizer puts one BOS before it (`add_special_tokens=True`). Answers end with EOS."""

MAX_NEW_TOKENS = 64
"""More than the longest answer needs."""

TEMPERATURE = 1.0
"""The model's sources contradict each other, and a drawn answer follows one or the other, as often as they speak."""


def model_path() -> Path:
    """The model's folder in Hugging Face format: config, half-precision weights, tokenizer, training log, manifest."""
    return Path(__file__).parent / "model"


def questions_path() -> Path:
    """JSON lines with `id`, `question`, `answer` (accepted strings) and `group` (the city asked about)."""
    return Path(__file__).parent / "questions.jsonl"


def run_demo(out: Path, *, limit: int | None = None, progress: bool = True) -> "Run":
    """The whole flow on the embedded model: it is loaded, answers, is captured, probed and drawn, each time anew.

    A folder that an earlier demo made is replaced once the new one can begin. Raises RunError if `out` holds anything
    else.
    """
    from interp.running.machines import machines
    from interp.running.pipeline import begin
    from interp.runs.run_folder import RunFolder

    folder = RunFolder.at(out)
    options = {
        "limit": limit,
        "prompt_template": PROMPT_TEMPLATE,
        "max_new_tokens": MAX_NEW_TOKENS,
        "temperature": TEMPERATURE,
        "threads": 1,  # two are slower for so small a model
    }
    replacing = _replacing if _earlier(folder) else None
    asked_for = {"model": model_path(), "data": questions_path(), "options": options}
    return begin(folder, machines("local", None), asked_for, progress=progress, replacing=replacing)


def _earlier(folder: "RunFolder") -> bool:
    """Whether the folder holds a demo's run; one of another model on these questions is not the demo's to replace."""
    from interp.runs.run_folder import read_run_json

    if not folder.run_json.exists():
        return False
    made_by = read_run_json(folder)["settings"]
    return (made_by.get("model"), made_by.get("data")) == (str(model_path()), str(questions_path()))


def _replacing(folder: "RunFolder") -> None:
    """Remove an earlier demo's run; what says that it is one goes last, so that one half removed can be replaced."""
    from interp.runs.lock import FILES
    from interp.support.atomic import writing

    if not _earlier(folder):
        return
    with writing(folder.path):
        for path in sorted(folder.path.iterdir(), key=lambda path: path == folder.run_json):
            if path.is_dir() and not path.is_symlink():
                rmtree(path)
            elif path.name not in FILES:
                path.unlink()


def answered(n: int) -> tuple["HookedModel", "Answers"]:
    """The embedded model and its likeliest answers to the first `n` questions: something to try functions on."""
    from interp.data.rows import load_rows
    from interp.labelling.generate_answers import generate_answers
    from interp.models.loading import load_model

    model, rows = load_model(model_path()), load_rows(questions_path(), limit=n)
    return model, generate_answers(model, rows, prompt_template=PROMPT_TEMPLATE, max_new_tokens=MAX_NEW_TOKENS)


def planted(n: int = 100) -> tuple["Capture", "Answers"]:
    """A tiny Capture and its Answers, made without a model: only layer 1, `exact_answer_last`, knows what is right."""
    from interp.demo import planted_signal

    return planted_signal.planted(n)
