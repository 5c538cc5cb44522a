"""`interp transfer`: its options, and what they become for `interp.transfer`."""

import argparse
from pathlib import Path
from typing import Any

from interp.command.option_values import cell, labels_by_id
from interp.command.output import tell
from interp.command.parser import Parser


def add_transfer(parser: Parser, commands: Any) -> None:
    """Add the command to the `commands` of a parser."""
    command = parser.add_command(
        commands,
        "transfer",
        summary="train on one run, test on another: a matrix over runs of one model",
        description="Score every run's samples by the probes of every other run of the same model, and write the "
        "matrix of AUCs with intervals, its difference from each run's own probes and from the answer's "
        "log-probability, a figure and report.html into a folder. A question that two runs share is never on both "
        "sides.",
        example="interp transfer runs/movies runs/cities runs/maths --out runs/transfer",
        command=_transfer,
    )
    command.add_argument("runs", type=Path, nargs="+", metavar="DIR", help="folders of finished runs; one with --by")
    command.add_argument("--out", type=Path, required=True, help="folder for table, figure and report")
    command.add_argument(
        "--by",
        metavar="template|FILE",
        help="take one run apart: by its questions' templates, or by a table with the columns id and label, one line a "
        "sample (.csv, .tsv, .jsonl, .parquet)",
    )
    command.add_argument(
        "--cell",
        metavar="LAYER,ROLE",
        type=cell,
        help="as 8,exact_answer_last (default: the best of the run that is trained on)",
    )
    command.add_argument("--site", help="the site that is probed (default: that of the runs)")
    command.add_argument("--across-models", action="store_true", help="allow runs of different models of equal width")
    command.add_argument("--seed", type=int, default=0, help="of the folds that all runs share (default: 0)")


def _transfer(args: argparse.Namespace) -> None:
    from interp.experiments.transferring.page import check_transfer_folder, write_transfer
    from interp.experiments.transferring.transfer import transfer

    check_transfer_folder(args.out)
    by = args.by if args.by in (None, "template") else labels_by_id(Path(args.by), "--by")
    found = transfer(args.runs, by=by, cell=args.cell, site=args.site, across_models=args.across_models, seed=args.seed)
    sentences, files = write_transfer(found, args.out)
    tell("\n".join([*sentences, *map(str, files)]))
