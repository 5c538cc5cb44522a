"""The options of a run on the command line, and what they become for `interp.run` and `interp.plan`."""

import argparse
from pathlib import Path
from typing import Any

from interp.command.option_values import chat_options, columns, file_text, roles, strengths, template_text
from interp.data.datasets import DATASETS
from interp.generating.chat import DATE


def add_run_options(run: argparse.ArgumentParser, *, out_needed: bool = True) -> None:
    """The options of `interp run` and `interp plan`."""
    run.add_argument("--model", required=True, help="Hugging Face name, local folder, GGUF file, or gemma3-270m")
    run.add_argument(
        "--data",
        help="JSONL, JSON, CSV, TSV (each also .gz) or Parquet file, or a folder of such files, with `question` and "
        "`answer`, or in a published form that is recognised (docs/datasets.md)",
    )
    run.add_argument(
        "--columns",
        type=columns,
        metavar="FIELD=COLUMN,…",
        help="where the fields of a row stand in the data, as in question=Question,answer=Answer",
    )
    run.add_argument(
        "--dataset",
        metavar="NAME",
        help=f"one of {', '.join(DATASETS)}: reads --data as that data set is published (without --data: from the "
        "Hugging Face hub) and fills in prompt, rules and limits that are not given",
    )
    run.add_argument("--out", required=out_needed, type=Path, help="run folder, new or empty")
    run.add_argument("--limit", type=int, help="use the first N rows only")
    run.add_argument(
        "--skip-unanswerable",
        action="store_true",
        help="leave out rows without an accepted answer, counted, instead of stopping at them",
    )
    run.add_argument("--seed", type=int, default=0, help="seed of folds, resamples and drawn answers (default 0)")
    model = run.add_argument_group("model")
    model.add_argument(
        "--device", default="cpu", help="auto, cpu, cuda, cuda:1 …, mps, or spread: over all GPUs (default cpu)"
    )
    model.add_argument("--dtype", default="float32", choices=["float32", "bfloat16", "float16"])
    model.add_argument(
        "--processed-weights",
        action="store_true",
        help="fold norms and centre weights as TransformerLens can; off: the raw weights",
    )
    model.add_argument(
        "--batch-tokens",
        type=int,
        default=8192,
        help="padded tokens of a batch (default 8192); part of the run's identity",
    )
    model.add_argument(
        "--threads",
        type=int,
        metavar="N",
        help="threads of the model on a processor, on which last digits depend (default: as many as a short "
        "measurement at the start finds worth it; the run's record says how many)",
    )
    prompt = run.add_argument_group("prompt and generation")
    prompt.add_argument(
        "--prompt-template",
        type=Path,
        metavar="FILE",
        help="text with {question} (and {context}, {options}), few-shot examples and all",
    )
    prompt.add_argument(
        "--chat",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="use the tokenizer's chat template (default: if there is one and no --prompt-template)",
    )
    prompt.add_argument(
        "--chat-option",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a variable of the chat template, as in enable_thinking=false; may be repeated",
    )
    prompt.add_argument(
        "--prompt-date",
        metavar="YYYY-MM-DD",
        help=f"the day that a chat template is told which asks the clock (default {DATE}: the same prompts every day)",
    )
    prompt.add_argument("--max-new-tokens", type=int, help="default 32")
    prompt.add_argument(
        "--stop",
        action="append",
        default=[],
        metavar="TEXT",
        help=r"end generation after this text (\n is a line break); may be repeated",
    )
    prompt.add_argument(
        "--temperature", type=float, default=0.0, help="draw tokens at this temperature (default 0: the likeliest)"
    )
    prompt.add_argument(
        "--top-p", type=float, default=1.0, help="draw from the smallest set of tokens with this mass (default 1: all)"
    )
    prompt.add_argument(
        "--samples-per-question",
        type=int,
        default=1,
        metavar="K",
        help="answer every question K times (needs a temperature); entries 12#0, 12#1 … of one group",
    )
    prompt.add_argument(
        "--greedy-too", action="store_true", help="beside the drawn answers the greedy one, as 12#greedy"
    )
    add_answer_options(run)
    analysis = run.add_argument_group("analysis")
    analysis.add_argument(
        "--sites", default="resid_post", help="comma-separated; the first is probed, all are kept (default resid_post)"
    )
    analysis.add_argument(
        "--role",
        action="append",
        default=[],
        metavar="[NAME=]ROLE",
        help="one more token position, as a column of its own; may be repeated. ROLE is LANDMARK[±N][@REGION], as in "
        "third=exact_last+3 (landmarks: start, question_last, prompt_end, exact_first, exact_last, thought_first, "
        "thought_middle, thought_last, final_first, end; regions: prompt, completion), or "
        "first|last[[K]][±N][@REGION]:REGEX, as in after_think=last+1:</think> or turn2=last[1]:<end_of_turn> (match "
        "K, counted from 0 or, negative, from the end). For models that think, by name alone: thought_before_first, "
        "thought_first, thought_middle, thought_last, thought_after_last, final_answer_first. Mean, max or min over "
        "several tokens, by its text alone or with a name: mean:exact_answer, max:completion, "
        "turn=mean:first[1]:<end_of_turn>, mean:first_answer..-2 (spans: sample, prompt, completion, question, "
        "exact_answer, thought, final_answer, all tokens of a match, or FROM..TO, both inclusive)",
    )
    add_population(analysis)
    analysis.add_argument(
        "--probe",
        default="logistic",
        help="logistic (default), ridge, mass-mean, mean-difference, lda, k-sparse, pca-lr, mlp",
    )
    analysis.add_argument(
        "--C",
        type=strengths,
        default=1.0,
        metavar="C",
        help="inverse strength of the probe's L2 penalty (default 1); several, as in 0.01,0.1,1, or cv: each training "
        "part chooses by inner folds",
    )
    analysis.add_argument("--folds", type=int, default=5)
    analysis.add_argument("--permutations", type=int, default=1000, help="label permutations; 0: none (default 1000)")
    analysis.add_argument("--controls", action=argparse.BooleanOptionalAction, default=True)


def add_answer_options(parser: argparse.ArgumentParser) -> None:
    """How answers are labelled and located: of `interp run` and `plan`, and of `resume`."""
    answer = parser.add_argument_group("correctness and exact answer")
    answer.add_argument(
        "--correct",
        metavar="RULE",
        help="contains (default, unless the form of the data decides another), normalised, numeric, choice, label, "
        "or judge; a row's own `correct` always wins",
    )
    answer.add_argument("--judge-model", metavar="MODEL", help="the model that --correct judge asks")
    answer.add_argument(
        "--exact-answer",
        metavar="METHOD",
        help="candidates, pattern, first_line, last_number, or extract (asks a model); default: chosen from the data, "
        "and said",
    )
    answer.add_argument(
        "--extractor-model", metavar="MODEL", help="the model that --exact-answer extract asks (default: --model)"
    )
    answer.add_argument(
        "--candidates",
        type=Path,
        metavar="FILE",
        help="candidate answers, one a line (default: every accepted answer of the data)",
    )
    answer.add_argument("--answer-pattern", metavar="REGEX", help="regular expression with one group, the exact answer")


def add_population(parser: Any) -> None:
    """`--population`."""
    parser.add_argument(
        "--population",
        choices=["exact_answer", "all"],
        help="exact_answer (default): labelled samples with an exact answer; all: every labelled one",
    )


def answer_options(args: argparse.Namespace) -> dict[str, Any]:
    """What `add_answer_options` and `add_population` read; None: not given."""
    candidates = file_text(args.candidates, "the candidates file")
    return dict(
        correct=args.correct,
        judge=args.judge_model,
        exact_answer=args.exact_answer,
        extractor=args.extractor_model,
        candidates=None
        if candidates is None
        else tuple(line.strip() for line in candidates.splitlines() if line.strip()),
        answer_pattern=args.answer_pattern,
        population=args.population,
    )


def run_options(args: argparse.Namespace) -> dict[str, Any]:
    """The options of a run, as `interp.run` and `interp.plan` take them."""
    return dict(
        model=args.model,
        data=args.data,
        columns=args.columns,
        dataset=args.dataset,
        out=args.out,
        device=args.device,
        dtype=args.dtype,
        processed_weights=args.processed_weights,
        limit=args.limit,
        skip_unanswerable=args.skip_unanswerable,
        seed=args.seed,
        batch_tokens=args.batch_tokens,
        threads=args.threads,
        prompt_template=template_text(args.prompt_template),
        chat=args.chat,
        chat_options=chat_options(args.chat_option) or None,
        prompt_date=args.prompt_date,
        max_new_tokens=args.max_new_tokens,
        stop=tuple(text.replace("\\n", "\n") for text in args.stop),
        temperature=args.temperature,
        top_p=args.top_p,
        samples_per_question=args.samples_per_question,
        greedy_too=args.greedy_too,
        **answer_options(args),
        sites=tuple(site.strip() for site in args.sites.split(",") if site.strip()),
        roles=roles(args.role) or None,
        probe=args.probe,
        C=args.C,
        folds=args.folds,
        permutations=args.permutations,
        controls=args.controls,
    )
