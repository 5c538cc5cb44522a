"""A run as an array of tasks: each makes one share of the answers, then of the shards; what they made is joined.

A task works in `parts/2-of-8` of the run's folder and writes its shards beside the others': no file is written by two
tasks, so the folder may be shared, or put together from private ones. Which samples stand together in a shard depends
on all the answers, so these are joined first (`interp gather`), and the same task, started again, then captures.
"""

import shutil
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from interp.engines.all_made import Missing
from interp.engines.share import Share
from interp.engines.share_engine import ShareDone, ShareEngine
from interp.errors import RunError
from interp.generating.answer_log import AnswerLog
from interp.models.loading import model_info, model_tokenizer
from interp.planning.request import Request
from interp.planning.shapes import Shapes
from interp.reporting.machine_words import answers_joined, missing_shares, share_made
from interp.running.array_checks import check_options, check_place, check_same
from interp.running.machines import Machines
from interp.running.measuring import answer, capture
from interp.running.record import check_unchanged, new_record
from interp.runs.lock import locked
from interp.runs.opened_run import Run
from interp.runs.rows import load_settings_model
from interp.runs.run_folder import RunFolder, now
from interp.runs.run_record import Journal, RunRecord
from interp.storing.shard_files import verify_shards
from interp.support.atomic import make_folder, write_json, writing
from interp.support.numerics import check_repeatable, recorded_threads
from interp.support.progress import say
from interp.support.threads import torch_threads


def run_share(
    share: Share,
    there: Machines,
    *,
    model: Any,
    data: Any,
    out: str | Path,
    options: Mapping[str, Any],
    activations: str | None,
    progress: bool,
) -> RunFolder:
    """Make a task's share of the answers, or once they are joined, of the shards; returns the folder of its part.

    A task that was stopped goes on when it is started again. Raises RunError for a folder that holds another run.
    """
    whole = RunFolder.at(out)
    part = RunFolder(whole.parts / share.folder)
    check_place(whole, share)
    request = Request.of(model=model, data=data, out=None, options=options)
    hooked = load_settings_model(request.settings, model)
    request = request.with_tokenizer(model_tokenizer(hooked), n_ctx=Shapes.of_model(hooked).n_ctx)
    make_folder(part.path)
    # Not measured: every task has to compute with as many as the others.
    with locked(part.path), torch_threads(request.settings.threads or torch.get_num_threads()):
        record = new_record(request, hooked, out)
        whole.keep_activations_at(activations)
        labelled = whole.samples.exists()
        check_options(whole, record)
        own = _own_record(part, whole if labelled else part, record)
        journal = Journal(part, own)
        with (
            torch_threads(recorded_threads(own.to_json())),
            there.engine(journal, request.settings, model, hooked) as made_by,
        ):
            if own is not record:  # written by another process, perhaps on another machine
                check_repeatable(own.to_json(), part.path, model_info(hooked).device)
                check_unchanged(own, request.rows, hooked, part.path)
            engine = ShareEngine(share, made_by)
            try:
                if labelled:
                    opened = Run(whole)
                    both = (opened.answers, opened.positions)
                    capture(journal, request.settings, hooked, *both, engine=engine, folder=whole, progress=progress)
                else:
                    answer(
                        journal,
                        request.settings,
                        request.rows,
                        hooked,
                        request.objects,
                        engine=engine,
                        progress=progress,
                    )
            except ShareDone:
                pass
        journal.write()
    if progress:
        say([share_made(str(share), "activations" if labelled else "answers", whole.path)])
    return part


def join_parts(whole: RunFolder) -> int:
    """Join the answers of all parts and the batches that did not fit; check the shards. Returns how many parts.

    1 where there are none: the run was made by one machine. Raises RunError for parts that are missing, of another run
    or made with other last digits, and for shards that are damaged or of another run, each by name.
    """
    if not whole.parts.is_dir():
        return 1
    with locked(whole.path), writing(whole.path):
        parts, of = _parts(whole)
        records = {part: RunRecord.read(RunFolder(part)) for part in parts}
        first = RunRecord.read(whole) if whole.run_json.exists() else next(iter(records.values()))
        for part, record in records.items():
            check_same(part, record, first)
        if whole.samples.exists():
            if problems := verify_shards(whole.activations, run=first.identity):
                raise RunError(problems[0])
            split = {name: sizes for record in records.values() for name, sizes in _split(record.batches).items()}
            batches = next((record.batches for record in records.values() if record.batches is not None), None)
            joined = first if batches is None else replace(first, batches={**batches, "split": split})
        else:
            log = AnswerLog(whole.answer_log, run=first.answering_identity)
            for part in parts:
                log.join(AnswerLog(RunFolder(part).answer_log, run=first.answering_identity))
            split = {name: sizes for one in records.values() for name, sizes in _split(one.answer_batches).items()}
            seconds: Counter[str] = Counter()
            for record in records.values():
                seconds.update(record.seconds)
            took = {state: round(value, 2) for state, value in seconds.items()}
            joined = replace(first, answer_batches={"split": split}, seconds=took, resumed=None, engines=None)
            joined = replace(joined, resume=joined.going_on(whole.path))
        write_json(whole.run_json, joined.to_json())
    return of


def missing_parts(whole: RunFolder, missing: Missing, of: int) -> RunError:
    """Which tasks have to be started again, for units that none of them has made."""
    shares = sorted({number % of + 1 for number in missing.numbers})
    what = "activations" if whole.samples.exists() else "answers"
    return RunError(
        f"{whole.path}: {missing_shares(shares, of)} of the {what} {'is' if len(shares) == 1 else 'are'} not finished "
        f"({missing.samples} samples are missing): start {'that task' if len(shares) == 1 else 'those tasks'} again, "
        f"then `interp gather {whole.path}`"
    )


def remove_parts(whole: RunFolder) -> None:
    """What the parts held is in the finished run."""
    with writing(whole.path):
        if whole.parts.is_dir():
            shutil.rmtree(whole.parts)


def joined_sentence(run: Run) -> str:
    """What a run is after `gather`, and what comes next."""
    if run.record["state"] == "done":
        return run.summary()
    return answers_joined(len(run.samples), run.folder.path)


def _own_record(part: RunFolder, source: RunFolder, new: RunRecord) -> RunRecord:
    """The record that a task goes on with: its part's own, or the joined run's; or else the new one."""
    if not source.run_json.exists():
        return new
    record = RunRecord.read(source)
    if source != part and part.run_json.exists():
        batches = RunRecord.read(part).batches  # a task that was stopped: what did not fit then
        record = replace(record, batches=batches or record.batches)
    return replace(record, resumed=[*(record.resumed or ()), now()])


def _parts(whole: RunFolder) -> tuple[list[Path], int]:
    """The folders of all parts in order, and how many there have to be; RunError names those that are not there."""
    found: dict[Share, Path] = {}
    for path in sorted(whole.parts.iterdir()):
        if (share := Share.at(path)) and (path / "run.json").exists():
            found[share] = path
    counts = sorted({share.of for share in found})
    if len(counts) > 1:
        raise RunError(
            f"{whole.parts}: holds shares of {counts[0]} and of {counts[1]} ({found[min(found)].name}, "
            f"{found[max(found, key=lambda share: share.of)].name}); remove the ones that are not of this array"
        )
    of = counts[0] if counts else 1
    if lacking := [part for part in range(1, of + 1) if Share(part, of) not in found] if counts else [1]:
        raise RunError(
            f"{whole.parts}: {missing_shares(lacking, of)} {'is' if len(lacking) == 1 else 'are'} not there: start "
            f"{'that task' if len(lacking) == 1 else 'those tasks'}, then `interp gather {whole.path}`"
        )
    return [found[share] for share in sorted(found)], of


def _split(batches: Mapping[str, Any] | None) -> dict[str, list[int]]:
    return dict((batches or {}).get("split", {}))
