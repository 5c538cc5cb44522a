"""Everything a user can set about a run; written to `run.json`, read back by `resume`."""

from dataclasses import asdict, dataclass, fields
from typing import Any

from interp.answering.correctness import JUDGE, check_rule_name
from interp.answering.exact_answers import exact_answer_method
from interp.answering.extraction import extractor
from interp.answering.prompts import PromptFormat
from interp.answering.sampling import Sampling, check_samples
from interp.answering.stopping import check_stop
from interp.capturing.activations import SITES
from interp.capturing.role_text import check_roles
from interp.capturing.roles import ROLES
from interp.errors import DataError
from interp.probing.estimators import ProbeSpec
from interp.statistics.folds import POPULATIONS

GIVEN = "given in Python: "
"""How the settings name a rule or a model that was given as a Python object."""


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
    max_new_tokens: int = 32
    prompt_template: str | None = None
    chat: bool | None = None
    stop: tuple[str, ...] = ()
    temperature: float = 0.0
    """0: greedy."""
    top_p: float = 1.0
    samples_per_question: int = 1
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

    def __post_init__(self) -> None:
        least = {"limit": 1, "batch_tokens": 1, "max_new_tokens": 1, "folds": 2, "permutations": 0, "seed": 0}
        for name, low in least.items():
            value = getattr(self, name)
            if value is not None and value < low:
                raise DataError(f"{name}: expected a whole number from {low}, got {value}")
        check_samples(self.samples_per_question, self.temperature)
        check_stop(self.stop)
        if isinstance(self.sites, str):
            raise DataError(f"sites: expected a tuple of names, got the text {self.sites!r}; write ({self.sites!r},)")
        if not self.sites:
            raise DataError("sites: expected at least one")
        if unknown := [site for site in self.sites if site not in SITES]:
            raise DataError(f"sites: {unknown[0]!r} is none of {', '.join(SITES)}")
        if self.candidates is not None and not self.candidates:
            raise DataError("candidates: expected at least one candidate answer, got none")
        if self.dataset is not None and self.columns is not None:
            raise DataError(f"columns: the data set {self.dataset!r} has its own; leave one of the two out")
        if self.population not in POPULATIONS:
            raise DataError(f"population: expected one of {', '.join(POPULATIONS)}, got {self.population!r}")
        # These check themselves; a run fails here, before a model is loaded or a folder made.
        check_roles(self.roles)
        PromptFormat(self.prompt_template, self.chat)
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
        ProbeSpec(self.probe, C=self.C)

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Settings":
        """The settings that `to_json` wrote."""
        known = {field.name for field in fields(cls)}
        plain: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items() if k in known}
        return cls(**plain)
