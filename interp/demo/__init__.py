"""The embedded default: a small language model that was really trained, and the questions it is asked."""

from pathlib import Path
from shutil import rmtree
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from interp.capturing.activations import Capture
    from interp.labelling.answers import Answers
    from interp.models.loading import HookedModel
    from interp.runs.opened_run import Run

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

    A folder that an earlier demo made is replaced. Raises RunError if `out` holds anything else.
    """
    from interp.running.pipeline import run
    from interp.runs.lock import locked
    from interp.runs.run_folder import RunFolder, read_run_json

    folder = RunFolder(out)
    if folder.run_json.exists():
        made_by = read_run_json(folder)["settings"]
        # A run of another model on these questions is not the demo's to replace.
        if (made_by.get("model"), made_by.get("data")) == (str(model_path()), str(questions_path())):
            with locked(out):  # not one that another process is working on
                rmtree(out)
    return run(
        model=model_path(),
        data=questions_path(),
        out=out,
        limit=limit,
        progress=progress,
        prompt_template=PROMPT_TEMPLATE,
        max_new_tokens=MAX_NEW_TOKENS,
        temperature=TEMPERATURE,
        threads=1,  # two are slower for so small a model
    )


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
