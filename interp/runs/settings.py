"""Everything a user can set about a run; written to `run.json`, read back by `resume`."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from interp.capturing.activations import read_sites
from interp.capturing.role_text import read_roles
from interp.capturing.roles import ROLES
from interp.data.row import QARow, read_columns
from interp.errors import DataError, RunError
from interp.fitting.estimators import ProbeSpec
from interp.generating.chat import DATE, read_chat_options, read_date
from interp.generating.prompts import PromptFormat
from interp.generating.sampling import Sampling, check_samples, sampled_rows
from interp.labelling.correctness import JUDGE, check_rule_name
from interp.labelling.exact_answers import exact_answer_method, read_candidates
from interp.labelling.extraction import extractor
from interp.models.placement import device_name, dtype_name
from interp.statistics.folds import POPULATIONS
from interp.support.arguments import MANY, flag, one_of, one_text, seed_number, whole_number
from interp.text.stopping import read_stop

GIVEN = "given in Python: "
"""How the settings name a rule or a model that was given as a Python object."""


LEAST = {"limit": 1, "threads": 1, "batch_tokens": 1, "max_new_tokens": 1, "folds": 2, "permutations": 0}
"""The least of every whole number."""
MANY_THREADS = 4096
OPTIONAL_TEXTS = ("dataset", "prompt_template", "exact_answer", "answer_pattern", "judge", "extractor")


@dataclass(frozen=True)
class Settings:
    """The settings of one run (`interp run --help` says the same in words)."""

    model: str
    data: str
    dataset: str | None = None
    """One of the paper's data sets (`interp.DATASETS`), which fills in what is not given."""
    columns: dict[str, str] | None = None
    """Fields of a row to the columns of the data."""
    device: str = "cpu"
    dtype: str = "float32"
    sites: tuple[str, ...] = ("resid_post",)
    roles: tuple[str, ...] = ROLES
    limit: int | None = None
    seed: int = 0
    batch_tokens: int = 8192
    threads: int | None = None
    """With which a model computes on a processor; None: as many as a measurement finds worth it (`numerics` says)."""
    max_new_tokens: int = 32
    prompt_template: str | None = None
    chat: bool | None = None
    chat_options: dict[str, Any] | None = None
    """Variables of the chat template, as `enable_thinking`."""
    prompt_date: str = DATE
    """The day that a chat template is told which asks the clock."""
    stop: tuple[str, ...] = ()
    temperature: float = 0.0
    """0: greedy."""
    top_p: float = 1.0
    samples_per_question: int = 1
    greedy_too: bool = False
    """Whether the greedy answer stands beside the samples."""
    correct: str = "contains"
    exact_answer: str | None = None
    candidates: tuple[str, ...] | None = None
    answer_pattern: str | None = None
    judge: str | None = None
    extractor: str | None = None
    population: str = "exact_answer"
    folds: int = 5
    C: float | str | tuple[float, ...] = 1.0
    probe: str = "logistic"
    permutations: int = 1000
    controls: bool = True
    processed_weights: bool = False

    skip_unanswerable: bool = False
    """Whether rows without an accepted answer are left out, counted, instead of stopping the run."""

    def __post_init__(self) -> None:
        """Everything is checked here, so that a run fails before a model is loaded or a folder made."""

        def read(name: str, value: Any) -> None:
            object.__setattr__(self, name, value)

        for name, low in LEAST.items():
            if getattr(self, name) is not None or name not in ("limit", "threads"):
                read(name, whole_number(name, getattr(self, name), low, MANY_THREADS if name == "threads" else None))
        for name in ("model", "data", "correct", "population", "probe", *OPTIONAL_TEXTS):
            if getattr(self, name) is not None or name not in OPTIONAL_TEXTS:
                one_text(name, getattr(self, name))
        for name in ("controls", "processed_weights", "skip_unanswerable", "greedy_too"):
            read(name, flag(name, getattr(self, name)))
        if self.permutations == 1:
            raise DataError("permutations: expected 0 (none) or at least 2, got 1")
        whole_number("permutations", self.permutations, 0, MANY)
        read("seed", seed_number(self.seed))
        read("device", device_name(self.device))
        read("dtype", dtype_name(self.dtype))
        read("samples_per_question", check_samples(self.samples_per_question, self.temperature, self.greedy_too))
        read("stop", read_stop(self.stop))
        read("sites", read_sites(self.sites))
        if self.candidates is not None:
            read("candidates", read_candidates(self.candidates))
        if self.dataset is not None and self.columns is not None:
            raise DataError(f"columns: the data set {self.dataset!r} has its own; leave one of the two out")
        read("columns", read_columns(self.columns))
        read("roles", read_roles(self.roles))
        one_of("population", self.population, POPULATIONS)
        # These check themselves.
        read("chat_options", read_chat_options(self.chat_options) or None)
        read("prompt_date", read_date(self.prompt_date))
        self.prompt_format  # noqa: B018  (checks itself)
        Sampling(self.temperature, self.top_p, self.seed)
        if not self.correct.startswith(GIVEN):
            check_rule_name(self.correct)
        if self.correct == JUDGE and self.judge is None:
            raise DataError("correct='judge' needs a model to ask: name one as judge (--judge-model)")
        exact_answer_method(
            self.exact_answer,
            candidates=self.candidates,
            pattern=self.answer_pattern,
            extract=extractor(self.extractor or self.model),
        )
        ProbeSpec(self.probe, C=self.C, seed=self.seed)

    def samples(self, rows: Sequence[QARow]) -> list[QARow]:
        """The rows under the ids of their samples, as often as each is asked."""
        return sampled_rows(rows, self.samples_per_question, greedy_too=self.greedy_too)

    @property
    def prompt_format(self) -> PromptFormat:
        """How a row becomes a prompt."""
        return PromptFormat(self.prompt_template, self.chat, self.chat_options, self.prompt_date)

    @property
    def generation(self) -> dict[str, Any]:
        """What `generate_answers` takes of them to ask and to answer, not to label."""
        return {
            "max_new_tokens": self.max_new_tokens,
            "prompt_template": self.prompt_template,
            "chat": self.chat,
            "chat_options": self.chat_options,
            "prompt_date": self.prompt_date,
            "stop": self.stop,
            "temperature": self.temperature,
            "top_p": self.top_p,
            "seed": self.seed,
            "batch_tokens": self.batch_tokens,
        }

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Settings":
        """The settings that `to_json` wrote."""
        known = {field.name for field in fields(cls)}
        plain: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items() if k in known}
        try:
            return cls(**plain)
        except TypeError as error:
            raise RunError(f"the settings of a run are not as interp writes them ({error}); start a new run") from error
