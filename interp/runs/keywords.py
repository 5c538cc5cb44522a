"""The options of `run` and `plan` by name and type: an editor completes them, `help` shows their defaults."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import MISSING, fields
from typing import TypedDict

from interp.runs.settings import Settings
from interp.support.accepted import Asked, RoleRules


class RunOptions(TypedDict, total=False):
    """What `interp.runs.settings.Settings` holds besides model and data; `interp run --help` says the same in words."""

    dataset: str | None
    """One of `interp.DATASETS`, which fills in what is not given."""
    columns: Mapping[str, str] | None
    """Fields of a row to the columns of the data."""
    device: str
    """`auto`, `cpu`, `cuda`, `cuda:1` …, `mps`, or `spread` over all GPUs."""
    dtype: str
    """`float32`, `bfloat16` or `float16`."""
    sites: str | Sequence[str]
    """The first is probed, all are kept."""
    roles: RoleRules | None
    """{name: rule} adds columns (`interp.capturing.role_text`)."""
    limit: int | None
    """The first rows only."""
    seed: int
    """Of folds, resamples and drawn answers."""
    batch_tokens: int
    """Padded tokens of a batch; part of the run's identity."""
    threads: int | None
    """Of the model on a processor; they decide last digits. None: as many as a short measurement finds worth it."""
    max_new_tokens: int | None
    prompt_template: str | None
    """Text with `{question}`, and `{context}` if it is needed."""
    chat: bool | None
    """Whether prompts are turns of a chat; None: if the tokenizer has a template and there is no `prompt_template`."""
    chat_options: Mapping[str, bool | int | float | str | None] | None
    """Variables of the chat template, as {"enable_thinking": False}."""
    prompt_date: str
    """The day (YYYY-MM-DD) that a chat template is told which asks the clock."""
    stop: str | Sequence[str]
    """Texts after which generation ends."""
    temperature: float
    """0: the likeliest token."""
    top_p: float
    samples_per_question: int
    greedy_too: bool
    correct: str | Callable[..., bool | None] | None
    """The rule (`interp.labelling.correctness`), or a function `(row, completion) -> bool | None`."""
    exact_answer: str | None
    """How the exact answer is located (`interp.labelling.exact_answers`)."""
    candidates: str | Iterable[str] | None
    answer_pattern: str | None
    """A regular expression with one group, the exact answer."""
    judge: Asked | None
    """The model, its name, or the function `str -> str` that `correct="judge"` asks."""
    extractor: Asked | None
    """The same for `exact_answer="extract"`; None: the run's own model."""
    population: str
    """`exact_answer` or `all`."""
    folds: int
    C: float | str | Sequence[float]
    """Inverse strength of the probe's penalty; several, or `cv`: chosen by inner folds."""
    probe: str
    permutations: int
    """Of the labels; 0: none."""
    controls: bool
    processed_weights: bool
    skip_unanswerable: bool
    """Whether rows without an accepted answer are left out, counted, instead of stopping the run."""


RUN_DEFAULTS = {field.name: field.default for field in fields(Settings) if field.default is not MISSING}


class ResumeOptions(TypedDict, total=False):
    """Python objects that the run began with, and (until its answers are labelled) how they are to be labelled."""

    correct: str | Callable[..., bool | None]
    judge: Asked
    extractor: Asked
    exact_answer: str
    candidates: str | Iterable[str]
    answer_pattern: str
    population: str
    roles: Mapping[str, Callable[..., int | None]]
