"""Where the lens gets answers, model and right answers from: a run, or what the caller gives."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from interp.data.rows import load_rows
from interp.errors import DataError
from interp.experiments.lens.first_tokens import FirstTokens
from interp.experiments.run_model import rows_of_run
from interp.grids.of_run import RunLike
from interp.labelling.answers import Answers
from interp.models.loading import load_model, model_tokenizer
from interp.runs.run_model import model_of_run
from interp.support.accepted import HookedModel, ModelSource, RowSource
from interp.support.arguments import instance

NO_ROWS = "no rows were given, which bring the right answers (rows=)"


@dataclass(frozen=True)
class Source:
    """Answers, the model that gave them, and the first tokens of given and right answers, in one order."""

    answers: Answers
    model: HookedModel
    tokens: FirstTokens
    why_none: str
    """Why wrong samples have no right answer; "" where rows bring them."""

    @classmethod
    def of(cls, answers: Answers | RunLike | None, model: ModelSource | None, rows: RowSource | None) -> "Source":
        """Of a run the model is loaded and the rows are read again, unless they are given.

        Raises DataError where parts lack a model, RunError if a run's model is not the one that answered.
        """
        if isinstance(answers, RunLike):
            run, answers = answers, answers.answers
            hooked = model_of_run(run, model)
            found, why = rows_of_run(run, hooked) if rows is None else (list(load_rows(rows)), "")
        else:
            answers = instance("answers", answers, Answers, "they come from generate_answers")
            if model is None:
                raise DataError("model: the lens needs the model that answered; give it as model=, or give its Run")
            hooked = load_model(model)
            found, why = ([], NO_ROWS) if rows is None else (list(load_rows(rows)), "")
        tokens = FirstTokens.of(answers, model_tokenizer(hooked), found, why_none=why)
        return cls(answers, hooked, tokens, why)

    def at(self, order: Int[np.ndarray, " chosen"]) -> "Source":
        """Of the samples at these places."""
        places = [int(i) for i in order]
        return Source(self.answers[places], self.model, self.tokens.at(places), self.why_none)
