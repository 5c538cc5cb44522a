"""What a run is asked for, and whether it can begin: the checks that `run` and `plan` share, to the same words."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from interp.capturing.role_text import split_roles
from interp.data.rows import QARow, Rows
from interp.generating.prompt_checks import PromptChecks, check_prompts
from interp.labelling.correctness import JUDGE, correctness_rule
from interp.labelling.method_choice import MethodChoice, choose_method
from interp.models.loading import read_config
from interp.models.placement import placement, read_dtype
from interp.planning.enough_rows import check_enough, check_groups
from interp.runs.labelling_models import split_given
from interp.runs.rows import IN_PYTHON, asked, data_source, filled_in, fitting_options, read_rows
from interp.runs.run_folder import RunFolder
from interp.runs.settings import GIVEN, Settings

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True)
class Request:
    """Settings and rows of a run that may begin, as far as that can be seen without its model."""

    settings: Settings
    rows: Rows
    objects: dict[str, Any]
    """What was given as Python objects and has no place in the settings: rule, judge, extractor, roles by name."""
    given: tuple[str, ...]
    """Names of the arguments that were Python objects: `resume` needs them again."""
    asked: tuple[str, ...]
    """Names of the options that were given; the others are defaults, or a data set's."""
    data: Any
    choice: MethodChoice | None = None
    """How exact answers are looked for, where the user left it open."""

    @classmethod
    def of(cls, *, model: Any, data: Any, out: str | Path | None, options: Mapping[str, Any]) -> "Request":
        """Everything that can be refused before a model is loaded; `out=None`: no folder is meant yet.

        Raises DataError for rows or settings that do not fit, ModelError for a device or type that there is not,
        RunError for a folder that is in use or cannot be written.
        """
        if out is not None:
            RunFolder(Path(out)).check_free()
        source, named = data_source(data, options), isinstance(model, str | Path)
        texts, objects = split_given(filled_in(options))
        texts, objects["roles"] = split_roles(texts)
        settings = Settings(model=str(model) if named else type(model).__name__, data=source, **texts)
        read_dtype(settings.dtype)
        if named:
            placement(settings.device)
        for asks, labeller in (
            (settings.correct == JUDGE, settings.judge),
            (settings.exact_answer == "extract", settings.extractor),
        ):
            if asks and labeller not in (None, settings.model) and not labeller.startswith(GIVEN):
                read_config(labeller)
        rows = read_rows(settings, data)
        settings = replace(settings, **fitting_options(rows, options))
        check_groups(rows, settings.folds)
        in_python = {"data": source == IN_PYTHON, "model": not named, **objects, "roles": bool(objects["roles"])}
        given = tuple(name for name, value in in_python.items() if value is not False)
        return cls(settings, rows, objects, given, tuple(k for k, v in options.items() if v is not None), data)

    def with_tokenizer(self, tokenizer: "PreTrainedTokenizerBase", *, n_ctx: int) -> "Request":
        """With the prompt that the tokenizer decides, and what only it can tell: whether enough rows fit.

        Raises DataError, also for rows that the correctness rule cannot be used on, or ids that are taken.
        """
        settings, rows = asked(self.settings, self.rows, self.data, tokenizer)
        if not settings.correct.startswith(GIVEN):
            correctness_rule(settings.correct, rows)
        settings.samples(rows)
        check_enough(rows, settings, n_ctx=n_ctx, tokenizer=tokenizer)
        if settings.exact_answer is not None or settings.candidates or settings.answer_pattern:
            return replace(self, settings=settings, rows=rows)
        chat = settings.prompt_format.is_chat(tokenizer)
        choice = choose_method([*rows, *rows.beyond], chat=chat, correct=settings.correct)
        return replace(self, settings=replace(settings, exact_answer=choice.method), rows=rows, choice=choice)

    def prompt_checks(self, tokenizer: "PreTrainedTokenizerBase", model: Any = None) -> PromptChecks:
        """What can be seen of the prompts before anything is answered; of the loaded model its generation settings."""
        return check_prompts(
            self.settings.prompt_format,
            self.samples,
            tokenizer,
            model=self.settings.model,
            max_new_tokens=self.settings.max_new_tokens,
            generation=getattr(model, "generation_config", None),
        )

    @property
    def samples(self) -> list[QARow]:
        """The rows, those to be answered as often as they are asked."""
        return self.settings.samples(self.rows)
