"""The options of `run` and `plan` by name and type: an editor completes them, `help` shows their defaults."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import MISSING, fields
from inspect import Parameter, signature
from typing import Any, TypedDict, TypeVar, get_type_hints

from interp.settings import Settings

Function = TypeVar("Function", bound=Callable[..., Any])


class RunOptions(TypedDict, total=False):
    """What `interp.settings.Settings` holds besides model and data; `interp run --help` says the same in words."""

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
    roles: Mapping[str, Any] | Sequence[Any] | None
    """{name: rule} adds columns (`interp.capturing.role_text`)."""
    limit: int | None
    """The first rows only."""
    seed: int
    """Of folds, resamples and drawn answers."""
    batch_tokens: int
    """Padded tokens of a batch; part of the run's identity."""
    max_new_tokens: int | None
    prompt_template: str | None
    """Text with `{question}`, and `{context}` if it is needed."""
    chat: bool | None
    """Whether prompts are turns of a chat; None: if the tokenizer has a template and there is no `prompt_template`."""
    stop: str | Sequence[str]
    """Texts after which generation ends."""
    temperature: float
    """0: the likeliest token."""
    top_p: float
    samples_per_question: int
    correct: str | Callable[..., bool | None] | None
    """The rule (`interp.answering.correctness`), or a function `(row, completion) -> bool | None`."""
    exact_answer: str | None
    """How the exact answer is located (`interp.answering.exact_answers`)."""
    candidates: str | Iterable[str] | None
    answer_pattern: str | None
    """A regular expression with one group, the exact answer."""
    judge: Any
    """The model, its name, or the function `str -> str` that `correct="judge"` asks."""
    extractor: Any
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


def shows_options(function: Function) -> Function:
    """Give `function(…, **options)` the signature in which every option stands with its type and default."""
    kinds = get_type_hints(RunOptions)
    default = {field.name: field.default for field in fields(Settings) if field.default is not MISSING}
    own = [one for one in signature(function).parameters.values() if one.kind is not Parameter.VAR_KEYWORD]
    options = [Parameter(n, Parameter.KEYWORD_ONLY, default=default[n], annotation=kind) for n, kind in kinds.items()]
    function.__signature__ = signature(function).replace(parameters=[*own, *options])  # type: ignore[attr-defined]
    return function
