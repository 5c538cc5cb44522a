"""Scores of a probe at every token of some samples: as a table, and as coloured text in a notebook."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int

from interp.support.public import public
from interp.support.tabular import Tabular
from interp.text.coloured import coloured, deepest

SHOWN = 20
"""Samples that a notebook shows."""


@public
@dataclass(frozen=True)
class TokenScores(Tabular):
    """A probe's score at every token of some samples, in their order (`FittedProbe.score_tokens`).

    The probe was fitted at one role: at every other token its score is an extrapolation, which nothing has tested. In a
    notebook the text is shown in colours. `table()` has a row for each token.

    >>> from interp.demo import answered
    >>> model, answers = answered(24)
    >>> cap = interp.capture(model, answers, interp.resolve_positions(answers))
    >>> probe = interp.fit_probe(cap, answers.correct, layer=4, role="exact_answer_last", min_per_class=2)
    >>> scores = probe.score_tokens(model, answers[:2])
    >>> scores.table()[["sample", "token", "text"]].head(2)
      sample  token text
    0  q0000     29    I
    1  q0000     30    f
    """

    id: tuple[str, ...]
    """The samples."""
    sample: Int[np.ndarray, " token"]
    """Each token's sample, by its place in `id`."""
    token: Int[np.ndarray, " token"]
    """Its place in `prompt_ids + completion_ids`."""
    token_id: Int[np.ndarray, " token"]
    """Its id in the vocabulary."""
    text: tuple[str, ...]
    """The characters it adds; "" for one that only completes the next one's character."""
    special: Bool[np.ndarray, " token"]
    """Whether it is a special token, which the completion's text leaves out."""
    score: Float[np.ndarray, " token"]
    """The probe's decision value; positive: more like a correct answer."""
    probability: Float[np.ndarray, " token"]
    """P(correct) by the sigmoid that was fitted at the probe's own role."""
    layer: int
    """The probe's layer."""
    role: str
    """The role that the probe was fitted at."""
    left_out: dict[str, str]
    """{sample: why it has no scores}."""

    def __len__(self) -> int:
        """How many tokens."""
        return len(self.score)

    def __repr__(self) -> str:
        """In one line: how many tokens of how many samples, by which probe."""
        without = f"; {len(self.left_out)} without scores" if self.left_out else ""
        return (
            f"TokenScores({len(self)} tokens of {len(self.id)} samples; layer {self.layer}, fitted at {self.role}"
            f"{without})"
        )

    @property
    def limit(self) -> float:
        """Size of the score from which on a colour is the deepest: that of 95 % of the tokens is smaller."""
        return deepest(self.score)

    def table(self) -> pd.DataFrame:
        """A row per token: `sample`, `token`, `token_id`, `text`, `special`, `score`, `probability`."""
        names = ("token", "token_id", "text", "special", "score", "probability")
        of = np.asarray(self.id, dtype=object)[self.sample]
        return pd.DataFrame({"sample": of} | {name: getattr(self, name) for name in names})

    def _repr_html_(self) -> str:
        """The first samples' text in colours; no script, and every text escaped."""
        lines = []
        for place, name in enumerate(self.id[:SHOWN]):
            at = np.flatnonzero(self.sample == place).tolist()
            text = coloured([(self.text[i], self.score[i]) for i in at], self.limit)
            head = coloured([(name, 0.0)], 0.0)
            lines.append(f'<p style="white-space:pre-wrap;margin:.3em 0"><small>{head}</small> {text}</p>')
        legend = coloured([("more like a wrong answer", -1.0), (" … ", 0.0), ("more like a correct one", 1.0)], 1.0)
        about = coloured([(f"layer {self.layer}, fitted at {self.role}; extrapolated at every other token", 0.0)], 0.0)
        return f"<div>{''.join(lines)}<p><small>{legend}; {about}</small></p></div>"
