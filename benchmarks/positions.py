"""Spans and positions of real completions against a slow second reading of the definitions and the paper's code.

    python benchmarks/positions.py                                # the embedded model's 840 questions, whole and cut
    python benchmarks/positions.py --quick                        # its first 40
    python benchmarks/positions.py runs/movies runs/math          # run folders (finished, or stopped once answered)
    python benchmarks/positions.py runs/movies --examples         # and one real sample for every reason

A run folder needs the data and the tokenizer of its model where they were (`--model` names the model of runs that were
given it as a Python object). The first table holds the fifteen positions that the run stored to `position_oracle`; the
second gives every disagreement with the paper's code one of the reasons of `position_reasons`. Ends with status 1 if
one sample differs from the oracle or one disagreement has no reason.
"""

import argparse
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from measuring import Figure, one_thread, parser, print_figures, print_header, print_row
from position_oracle import Decode, Reading, Span, find_candidate, find_first_line, find_number, fold, read, roles
from position_reasons import REASONS, UNEXPLAINED, Disagreement, disagreements

import interp
from interp import demo
from interp.capturing.positions import Positions
from interp.capturing.roles import ROLES
from interp.data.rows import QARow
from interp.experiments.orgad.labels import by_gold, substring_match
from interp.experiments.orgad.preset import paper_positions
from interp.generating.prompts import decoder
from interp.labelling.answers import Answers
from interp.models.loading import model_tokenizer, read_config
from interp.runs.rows import read_rows
from interp.runs.settings import Settings


@dataclass(frozen=True)
class Audited:
    """The answers of one run, with what the oracle needs to read them again."""

    name: str
    model: str
    rows: Sequence[QARow]
    answers: Answers
    positions: Positions
    tokenizer: Any
    method: str
    candidates: Sequence[str]
    rule: str

    @property
    def decode(self) -> Decode:
        return decoder(self.tokenizer)

    def find(self) -> Callable[[str], list[Span]]:
        methods: dict[str, Callable[[str], list[Span]]] = {
            "candidates": lambda text: find_candidate(text, self.candidates),
            "first_line": find_first_line,
            "last_number": find_number,
        }
        if self.method not in methods:
            raise SystemExit(f"{self.name}: the oracle reads {', '.join(methods)}, not {self.method}")
        return methods[self.method]


def of_run(path: Path, model: str | None) -> Audited:
    """The answers of a run folder."""
    run = interp.open_run(path)
    settings = Settings.from_json(run.record["settings"])
    rows = read_rows(settings)
    in_python = settings.model in ("HookedTransformer", "TransformerBridge")
    if in_python and model is None:
        raise SystemExit(f"{path}: its model was given in Python; name it with --model")
    _, tokenizer = read_config(model if in_python and model is not None else settings.model)
    answers = run.answers
    texts = [str(tokenizer.decode(ids, skip_special_tokens=True)) for ids in answers.completion_ids]
    if [text.strip() for text in texts] != [text.strip() for text in answers.text]:
        raise SystemExit(f"{path}: its tokens are no text of this tokenizer; name the run's model with --model")
    return Audited(
        path.name,
        Path(settings.model).name,
        rows,
        answers,
        run.positions,
        tokenizer,
        settings.exact_answer or "candidates",
        settings.candidates or default_candidates(rows, settings.correct, left_out(run)),
        settings.correct,
    )


SHORT = 12
"""Tokens after which answers are cut: the exact answer is then often the last word, or lost."""


def of_demo(limit: int) -> Iterator[Audited]:
    """The embedded model answers its own questions; and the same cut short."""
    model, rows = interp.load_model(demo.model_path()), interp.load_rows(demo.questions_path(), limit=limit)
    method, rule = "candidates", "contains"
    rest = (model_tokenizer(model), method, default_candidates(rows, rule), rule)
    for name, tokens in (("demo", demo.MAX_NEW_TOKENS), ("demo, short", SHORT)):
        options: dict[str, Any] = {"prompt_template": demo.PROMPT_TEMPLATE, "max_new_tokens": tokens}
        answers = interp.generate_answers(model, rows, **options)
        yield Audited(name, "embedded", rows, answers, interp.resolve_positions(answers), *rest)


def default_candidates(rows: Sequence[QARow], rule: str, fillers: Collection[str] = ()) -> list[str]:
    """The defined default: every accepted answer of the data set but fillers; of a choice, the wrong ones too."""
    found = [answer for row in rows for answer in row.answers]
    found += [answer for row in rows if rule == "choice" for answer in row.wrong_answers]
    return [answer for answer in found if fold(answer.strip()) not in fillers]


def left_out(run: interp.Run) -> set[str]:
    """The fillers that a run says it left out, folded."""
    fillers = run.record.get("used", {}).get("candidates", {}).get("fillers", ())
    return {fold(one["candidate"]) for one in fillers if one["left_out"]}


@dataclass(frozen=True)
class Oracle:
    """The oracle beside a run, sample by sample."""

    readings: list[Reading]
    spans_equal: int
    positions_equal: int
    wrong: list[str]
    """One sentence for each sample that differs."""


def against_oracle(audited: Audited) -> Oracle:
    answers, decode, find = audited.answers, audited.decode, audited.find()
    special = frozenset(audited.tokenizer.all_special_ids)
    readings, wrong, spans_equal, positions_equal = [], [], 0, 0
    for i in range(len(answers)):
        prompt, completion = answers.prompt_ids[i], answers.completion_ids[i]
        reading = read(prompt, completion, decode, special, find)
        readings.append(reading)
        status = "too_long" if answers.status[i] == "too_long" else reading.status
        theirs = (answers.exact_answer[i], answers.exact_answer_tokens[i], answers.status[i])
        same = theirs == (reading.exact_answer, reading.tokens, status)
        index = dict(zip(audited.positions.roles, audited.positions.index[i].tolist(), strict=True))
        table = roles(len(prompt), len(prompt) + len(completion), reading.tokens)
        equal = [index[role] == (-1 if table[role] is None else table[role]) for role in ROLES]
        spans_equal += same
        positions_equal += sum(equal)
        if not same or not all(equal):
            wrong.append(f"{audited.name} {answers.id[i]}: {theirs} but {reading} in {decode(completion)!r}")
    return Oracle(readings, spans_equal, positions_equal, wrong)


def against_paper(audited: Audited, readings: Sequence[Reading]) -> tuple[list[Disagreement], Answers]:
    """Every disagreement, and the answers as the paper's code labels and locates them."""
    rows, answers, rule = audited.rows, audited.answers, audited.rule
    named = {answer for row in rows for answer in row.answers} if rule == "label" else ()
    labels = [substring_match(row, text, rule, named) for row, text in zip(rows, answers.text, strict=True)]
    paper = by_gold(replace(answers, correct=labels), rows, audited.decode, numeric=rule == "numeric")
    found = disagreements(
        answers,
        paper,
        audited.positions,
        paper_positions(paper),
        rows,
        readings,
        audited.decode,
        rule=rule,
    )
    return list(found), paper


def example(audited: Audited, found: Disagreement, paper: Answers) -> str:
    """One disagreement with the texts of its tokens: ours in [ ], the paper's in { }."""
    answers, i, decode = audited.answers, found.sample, audited.decode
    ids = [*answers.prompt_ids[i], *answers.completion_ids[i]]
    n_prompt = len(answers.prompt_ids[i])

    def shown(token: int | None) -> str:
        return "absent" if token is None else f"{token - n_prompt:+d} {decode(ids[token : token + 1])!r}"

    def span(of: Answers) -> str:
        where = of.exact_answer_tokens[i]
        return "none" if where is None else f"{[decode([token]) for token in ids[where[0] : where[1] + 1]]}"

    return (
        f"{found.reason}: {audited.name} {answers.id[i]}, {answers.question[i]!r}\n"
        f"    completion {[decode([token]) for token in answers.completion_ids[i]]}\n"
        f"    accepted {list(audited.rows[i].answers)[:3]}, wrong answer {audited.rows[i].wrong_answer!r}\n"
        f"    exact answer: ours {span(answers)}, the paper's code {span(paper)}\n"
        f"    {found.role}: ours {shown(found.ours)}, the paper's code {shown(found.paper)}"
    )


def report(audited: Sequence[Audited], *, examples: bool) -> bool:
    """Both tables and the figures; whether all is equal or explained."""
    oracles = [against_oracle(one) for one in audited]
    columns = ("samples", "with a span", "spans equal", "positions equal", "c_k falls in", "cut inside a character")
    print_header("data", "model", *columns)
    for one, oracle in zip(audited, oracles, strict=True):
        located = sum(span is not None for span in one.answers.exact_answer_tokens)
        n = len(one.answers)
        cut = sum(reading.split > 0 for reading in oracle.readings)
        drops = sum(reading.drops > 0 for reading in oracle.readings)
        equal = f"{oracle.positions_equal:,} of {n * len(ROLES):,}"
        print_row(one.name, one.model, f"{n:,}", f"{located:,}", f"{oracle.spans_equal:,}", equal, drops, cut)
    for oracle in oracles:
        print(*oracle.wrong, sep="\n", end="\n" if oracle.wrong else "")

    compared = [against_paper(one, oracle.readings) for one, oracle in zip(audited, oracles, strict=True)]
    print()
    print_header("reason", *(one.name for one in audited))
    for reason in (*REASONS, UNEXPLAINED):
        counts = [[found for found in every if found.reason == reason] for every, _ in compared]
        none = "0" if reason == UNEXPLAINED else "–"
        cells = [f"{len(found):,} ({len({f.sample for f in found}):,})" if found else none for found in counts]
        if any(counts) or reason == UNEXPLAINED:
            print_row(reason, *cells)
    past = [sum(len(ids) < 2 for ids in one.answers.completion_ids) for one in audited]
    if any(past):
        print_row("(IndexError)", *(count or "–" for count in past))
    if examples:
        for reason in (*REASONS, UNEXPLAINED):
            for one, (every, paper) in zip(audited, compared, strict=True):
                fitting = [found for found in every if found.reason == reason]
                if fitting:
                    shortest = min(fitting, key=lambda found: len(one.answers.completion_ids[found.sample]))
                    print("\n" + example(one, shortest, paper))
    print_figures("positions", figures_of(audited, oracles, compared))
    unexplained = sum(found.reason == UNEXPLAINED for every, _ in compared for found in every)
    return not unexplained and not any(oracle.wrong for oracle in oracles)


def figures_of(
    audited: Sequence[Audited], oracles: Sequence[Oracle], compared: Sequence[tuple[list[Disagreement], Answers]]
) -> Iterator[Figure]:
    for one, oracle, (every, _) in zip(audited, oracles, compared, strict=True):
        n = len(one.answers)
        explained = sum(found.reason != UNEXPLAINED for found in every)
        for figure, value in (
            ("share of spans equal to the oracle's", oracle.spans_equal / n),
            ("share of positions equal to the oracle's", oracle.positions_equal / (n * len(ROLES))),
            ("share of disagreements with the paper's code explained", explained / len(every) if every else 1.0),
        ):
            yield Figure(f"{one.name}: {figure}", value, "position_oracle", "higher", 1.0)


def arguments() -> argparse.ArgumentParser:
    options = parser(__doc__, quick="40 questions of the embedded model")
    options.add_argument("runs", nargs="*", type=Path, help="run folders (default: the embedded model answers)")
    options.add_argument("--demo", action="store_true", help="the embedded model's answers beside the run folders")
    options.add_argument("--model", help="the model of runs that were given it in Python")
    options.add_argument("--examples", action="store_true", help="a real sample for every reason")
    return options


def main() -> None:
    args = arguments().parse_args()
    one_thread()
    audited = [of_run(run, args.model) for run in args.runs]
    if args.demo or not args.runs:
        audited += of_demo(40 if args.quick else 840)
    sys.exit(0 if report(audited, examples=args.examples) else 1)


if __name__ == "__main__":
    main()
