"""What the rules of numbers, capitals and typography change, against word boundaries alone; and what they cost.

    python benchmarks/matching.py                                        # the demo's questions, and the time
    python benchmarks/matching.py movies=movie_qa_train.csv math=AnswerableMath.csv cities=examples/cities.jsonl
    python benchmarks/matching.py --quick                                # fewer texts

The peer is the rule as it was: NFKC and case folding, no letter, digit or mark beside a match; the last number of the
text, commas before three digits aside. Table 1: distinct accepted answers, each written in a sentence of its own, as it
is, in lower case and without accents, full stops and commas; in how many sentences it is found (by both rules). Then
the questions, as texts that real people wrote: in how many of them the first match of all accepted answers is another.
Table 2: accepted numbers as models write them. A file is read as the data set of the paper of that name, else as rows.
"""

import argparse
import math
import random
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from math import isclose
from pathlib import Path

from measuring import Figure, in_turns, one_thread, parser, print_figures, print_header, print_row, ratio

import interp
from interp import demo
from interp.data.datasets import DATASETS, load_dataset
from interp.data.rows import QARow
from interp.labelling.correctness import numeric
from interp.text.comparable import Comparable, comparable
from interp.text.matching import CandidateFinder
from interp.text.scripts import may_begin, may_end

Rows = Sequence[QARow]


class WordBoundaries:
    """The earliest, then longest match as it was found before: a peer, and the same loops."""

    def __init__(self, candidates: Sequence[str]) -> None:
        self.candidates = {compared for candidate in candidates if (compared := comparable(candidate.strip()).text)}
        self.longest = max(map(len, self.candidates), default=0)

    def find(self, text: str) -> list[tuple[int, int]]:
        compared = comparable(text)
        ends = [i for i in range(1, len(compared.text) + 1) if _border(compared, i, i - 1)]
        for begin in (i for i in range(len(compared.text)) if _border(compared, i, i, before=True)):
            for end in reversed([at for at in ends if begin < at <= begin + self.longest]):
                if compared.text[begin:end] in self.candidates:
                    return [compared.original(begin, end)]
        return []


def _border(compared: Comparable, at: int, inside: int, *, before: bool = False) -> bool:
    outside = at - 1 if before else at
    if not compared.edge[at] or not 0 <= outside < len(compared.text):
        return compared.edge[at]
    within, beyond = compared.text[inside], compared.text[outside]
    return may_begin(beyond, within) if before else may_end(within, beyond)


def without_accents(text: str) -> str:
    """As a keyboard without accents writes it: no combining marks, full stops or commas."""
    bare = "".join(char for char in unicodedata.normalize("NFD", text) if not unicodedata.combining(char))
    return bare.replace(".", "").replace(",", "")


FORMS: dict[str, Callable[[str], str]] = {"as written": str, "lower case": str.lower, "plain": without_accents}
NUMBERS: dict[str, Callable[[float], str]] = {
    "`It is $9500.`": lambda value: f"It is ${value:.10g}.",
    "`9,500`": lambda value: f"{value:,.10g}",
    "`9{,}500` in a box": lambda value: rf"so \boxed{{{value:,.10g}}} in 3 steps".replace(",", "{,}"),
    "`9\\,500`": lambda value: f"{value:,.10g}".replace(",", r"\,"),
    "`9 500`": lambda value: f"{value:,.10g}".replace(",", " "),
    "`9.500,00`": lambda value: f"{value:,.2f}".translate(str.maketrans(",.", ".,")),
    "`#### 9500` and more": lambda value: f"#### {value:.10g}\nQ: 3",
    "`9500 (see step 3)`": lambda value: f"{value:.10g} (see step 3)",
    "`The answer is 9500.` and more": lambda value: f"The answer is {value:.10g}. I used 3 steps.",
    "`9.5 × 10^3`": lambda value: "{} × 10^{}".format(*f"{value:.9e}".split("e")),
}
"""Ways to write a number, each with the name it goes by."""


def found(finder: CandidateFinder | WordBoundaries, texts: Sequence[str]) -> list[tuple[int, int] | None]:
    return [next(iter(finder.find(text)), None) for text in texts]


def compare(name: str, rows: Rows, limit: int | None) -> list[object]:
    """A line of the first table."""
    accepted = list(dict.fromkeys(answer for row in rows for answer in row.answers))[:limit]
    cells: list[object] = [name, f"{len(accepted):,}"]
    for form in FORMS.values():
        then = now = 0
        for answer in accepted:
            text = f"It is {form(answer)}, I think."
            then += WordBoundaries([answer]).find(text) != []
            now += text in CandidateFinder([answer])
        cells.append(f"{then:,} → {now:,}")
    questions = [row.question for row in rows][:limit]
    before, after = (found(kind(accepted), questions) for kind in (WordBoundaries, CandidateFinder))
    other = sum(a != b for a, b in zip(before, after, strict=True))
    cells.append(f"{other:,} of {len(questions):,}")
    lost = sum(a is not None and b is None for a, b in zip(before, after, strict=True))
    return [*cells, f"{lost:,}"]


def numbers(rows: Rows, limit: int | None) -> None:
    """The second table: accepted numbers of `rows`, written in various ways, by the rule as it was and as it is."""
    known = [(row, value) for row in rows if row.answers and (value := before(row.answers[0])) is not None][:limit]
    rule = numeric()
    print_header("written", "answers", "right then", "right", "wrong", "no label")
    for name, form in NUMBERS.items():
        then = sum(isclose(before(form(value)) or math.inf, value, rel_tol=1e-6) for _, value in known)
        said = Counter(rule(row, form(value)) for row, value in known)
        print_row(name, len(known), then, said[True], said[False], said[None])


def before(text: str) -> float | None:
    """The last number of a text as it was read."""
    found = re.findall(r"(?<![\w.])[-+]?(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?(?:[eE][-+]?\d+)?", text)
    return float(found[-1].replace(",", "")) if found else None


def texts_to_time(n: int) -> tuple[list[str], list[str]]:
    """Sentences of 75 drawn words (some 100 tokens) and 5,000 candidates of one to three words, some accented."""
    rng = random.Random(0)
    words = ["".join(rng.choices("abcdefghijklmnopqrstuvwxyzé", k=rng.randint(2, 9))) for _ in range(8000)]
    candidates = [" ".join(rng.choices(words, k=rng.randint(1, 3))).title() for _ in range(5000)]
    texts = []
    for _ in range(n):
        said = rng.choices(words, k=75)
        said[rng.randrange(75)] = rng.choice(candidates) if rng.random() < 0.5 else str(rng.randint(1, 9999))
        texts.append(". ".join(" ".join(said[at : at + 15]) for at in range(0, 75, 15)))
    return texts, candidates


def read(source: str) -> tuple[str, Rows]:
    name, _, path = source.partition("=")
    return name, load_dataset(name, path) if name in DATASETS else interp.load_rows(Path(path))


def arguments() -> argparse.ArgumentParser:
    options = parser(__doc__, quick="the first 100 answers and questions, and 200 texts")
    options.add_argument("sources", nargs="*", metavar="NAME=FILE", help="rows beside the demo's")
    return options


def main() -> None:
    args = arguments().parse_args()
    one_thread()
    limit = 100 if args.quick else None
    data = {"demo": interp.load_rows(demo.questions_path())} | dict(map(read, args.sources))
    print_header("data", "accepted", *FORMS, "questions: another first match", "of these none now")
    for name, rows in data.items():
        print_row(*compare(name, rows, limit))
    if "math" in data:
        print()
        numbers(data["math"], limit)
    texts, candidates = texts_to_time(200 if args.quick else 2000)
    sides: dict[str, CandidateFinder | WordBoundaries] = {
        "now": CandidateFinder(candidates),
        "then": WordBoundaries(candidates),
    }
    spent, _ = in_turns({name: partial(found, side, texts) for name, side in sides.items()}, 3)
    scale = 10_000 / len(texts)
    seconds = min(cost.cpu for cost in spent["now"]) * scale
    print_figures(
        "matching",
        [
            Figure("CPU seconds of finding 5,000 candidates in 10,000 texts of 75 words", seconds, "none"),
            Figure("the same ÷ word boundaries alone", ratio(spent["now"], spent["then"]).cpu, "the rule as it was"),
        ],
    )


if __name__ == "__main__":
    main()
