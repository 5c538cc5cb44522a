"""What a judge said of every sample, and how far that agrees with hand labels."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from interp.generating.asking import Exchange
from interp.support.sample_key import chosen_samples
from interp.support.tabular import Tabular


@dataclass(frozen=True)
class Agreement:
    """A judge beside hand labels, over the samples that have both a hand label and a clear verdict."""

    n: int
    share: float | None
    """Share of `n` with the same verdict; None if there are none."""
    kappa: float | None
    """Cohen's kappa (1960): agreement beyond chance; None where chance agrees always, or without samples."""
    confusion: dict[str, int]
    """Counts of `yes_right`, `yes_wrong`, `no_right`, `no_wrong`: what the judge says, what the hand says."""
    unclear: int
    """Samples with a hand label that the judge gave no clear verdict on."""


@dataclass(frozen=True)
class Judgement(Tabular):
    """What a judge was asked of every sample, and replied."""

    asked: list[Exchange | None]
    """Prompt and raw reply; None where there was nothing to ask: no completion, or no accepted answer beside it."""
    hand: list[bool | None]
    """What a human says; None: no hand label."""
    correct: list[bool | None]
    """The labels: the row's own `correct`, else the judge's verdict."""

    def __getitem__(self, samples: Any) -> "Judgement":
        """The judgement of some samples: a slice, indices or a mask."""
        places = chosen_samples(samples, len(self.asked))
        asked, hand, correct = self.asked, self.hand, self.correct
        return Judgement([asked[i] for i in places], [hand[i] for i in places], [correct[i] for i in places])

    def __repr__(self) -> str:
        """In one line: how many were asked, and what was said."""
        counts = self.counts()
        return (
            f"Judgement({len(self.asked)} samples: {counts['yes']} yes, {counts['no']} no, {counts['unclear']} "
            f"unclear; {counts['agreement']['n']} hand labels)"
        )

    @property
    def verdict(self) -> list[bool | None]:
        """The judge's own; None: not asked, or neither yes nor no."""
        return [None if exchange is None else read_verdict(exchange.answer) for exchange in self.asked]

    @property
    def agreement(self) -> Agreement:
        """The judge beside the hand labels."""
        return agreement(self.verdict, self.hand)

    def counts(self) -> dict[str, Any]:
        """How the samples were judged, how many could not be asked, and the agreement with the hand labels."""
        replied = [exchange is not None and exchange.reply is not None for exchange in self.asked]
        yes, no = self.verdict.count(True), self.verdict.count(False)
        return {
            "yes": yes,
            "no": no,
            "unclear": sum(replied) - yes - no,
            "too_long": len(self.asked) - self.asked.count(None) - sum(replied),
            "not_asked": self.asked.count(None),
            "agreement": asdict(self.agreement),
        }

    def table(self) -> pd.DataFrame:
        """One row per sample, in order: `prompt`, `reply`, `verdict`, `hand` and `correct` (<NA>: none)."""
        kinds = dict.fromkeys(("verdict", "hand", "correct"), "boolean")
        columns = ["prompt", "reply", "verdict", "hand"]
        return pd.DataFrame(self.records(), columns=columns, dtype=object).assign(correct=self.correct).astype(kinds)

    def records(self) -> list[dict[str, Any]]:
        """One JSON object per sample (`judge` in samples.jsonl)."""
        return [
            {**({"prompt": None, "reply": None} if e is None else asdict(e)), "verdict": v, "hand": h}
            for e, v, h in zip(self.asked, self.verdict, self.hand, strict=True)
        ]

    @classmethod
    def read(cls, records: Sequence[Mapping[str, Any]], correct: Sequence[bool | None]) -> "Judgement":
        """The judgement that `records` wrote."""
        asked = [None if r["prompt"] is None else Exchange(r["prompt"], r["reply"]) for r in records]
        return cls(asked, [r["hand"] for r in records], list(correct))


def read_verdict(reply: str | None) -> bool | None:
    """True or False where the reply's first word is yes or no, whatever its case and what surrounds it; else None."""
    word = re.match(r"[\W_]*([^\W_]+)", reply or "")
    return None if word is None else {"yes": True, "no": False}.get(word[1].casefold())


def agreement(verdict: Sequence[bool | None], hand: Sequence[bool | None]) -> Agreement:
    """How far verdicts agree with hand labels (None: no verdict, or no hand label)."""
    pairs = Counter((bool(v), bool(h)) for v, h in zip(verdict, hand, strict=True) if v is not None and h is not None)
    n = sum(pairs.values())
    unclear = sum(v is None and h is not None for v, h in zip(verdict, hand, strict=True))
    confusion = {
        f"{'yes' if v else 'no'}_{'right' if h else 'wrong'}": pairs[v, h] for v in (True, False) for h in (True, False)
    }
    if not n:
        return Agreement(0, None, None, confusion, unclear)
    share = (pairs[True, True] + pairs[False, False]) / n
    yes, right = (pairs[True, True] + pairs[True, False]) / n, (pairs[True, True] + pairs[False, True]) / n
    chance = yes * right + (1 - yes) * (1 - right)
    return Agreement(n, share, (share - chance) / (1 - chance) if chance < 1 else None, confusion, unclear)
