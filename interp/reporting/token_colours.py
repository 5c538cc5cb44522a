"""The completions of the report in colours: a shade for every token's score, and what the colours mean, in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from interp.text.coloured import LEVELS, deepest, level, style

SHADES = [*range(-LEVELS, 0), *range(1, LEVELS + 1)]
"""All that are not pale, from most like a wrong answer to most like a correct one."""


@dataclass(frozen=True)
class TokenColours:
    """Where in each completion a shade ends, and by which probe."""

    shades: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    """{sample: [(character of the completion where a stretch ends, its shade)]}, stretches of one shade joined."""
    limit: float = 0.0
    """Size of the score from which on a shade is the deepest."""
    layer: int = 0
    role: str = ""
    held_out: int = 0
    """Samples that were scored by a probe fitted without their fold."""
    unseen: int = 0
    """Samples that no probe was fitted on."""
    uncoloured: int = 0
    """Samples whose tokens do not spell their completion, or that have none."""

    @classmethod
    def of(cls, scores: Sequence[Mapping[str, Any]], samples: Sequence[Mapping[str, Any]]) -> "TokenColours":
        """From the lines of token_scores.jsonl and of samples.jsonl, matched by id."""
        if not scores:
            return cls()
        completion = {str(sample["id"]): str(sample.get("completion", "")) for sample in samples}
        limit = deepest(np.concatenate([np.asarray(line["score"], dtype=float) for line in scores]))
        shades = {}
        for line in scores:
            shown = [
                (text, level(score, limit))
                for text, special, score in zip(line["text"], line["special"], line["score"], strict=True)
                if not special
            ]
            if "".join(text for text, _ in shown) == completion.get(str(line["id"])):
                shades[str(line["id"])] = _runs(shown)
        held_out = sum(line["fold"] is not None for line in scores)
        return cls(
            shades,
            limit,
            int(scores[0]["layer"]),
            str(scores[0]["role"]),
            held_out,
            len(scores) - held_out,
            len(samples) - len(shades),
        )

    def style(self) -> str:
        """CSS of the shades; the exact answer is then framed instead of coloured. Empty where nothing is coloured."""
        if not self.shades:
            return ""
        shades = " ".join(f".{'p' if shade > 0 else 'm'}{abs(shade)} {{ {style(shade)} }}" for shade in SHADES)
        framed = "background: none; color: inherit; font-weight: 700; outline: 1px solid var(--soft);"
        return f"{shades}\ntd.text mark {{ {framed} }}\n"

    def sentences(self) -> list[str]:
        """What the colours mean; none where nothing is coloured."""
        if not self.shades:
            return []
        unseen = f", the {self.unseen} in no fold by the probe of all folds" if self.unseen else ""
        lacking = f" {self.uncoloured} completions have no colours." if self.uncoloured else ""
        return [
            f"Coloured, whichever cell is chosen above: every token by the score of the probe of layer {self.layer}, "
            f"{self.role}; orange and dotted: more like a wrong answer, blue: more like a correct one, deepest from a "
            f"score of {self.limit:.2g} on.",
            f"Samples were scored by the probe that was fitted without their fold{unseen}.",
            f"The probe was fitted at {self.role} alone: at every other token its score is an extrapolation that "
            f"nothing here has tested.{lacking}",
        ]


def _runs(pieces: Sequence[tuple[str, int]]) -> list[tuple[int, int]]:
    """Where stretches of one shade end."""
    runs: list[tuple[int, int]] = []
    end = 0
    for text, shade in pieces:
        end += len(text)
        if runs and runs[-1][1] == shade:
            runs[-1] = (end, shade)
        else:
            runs.append((end, shade))
    return runs
