"""What an array of tasks refuses: a folder that is no place for it, a share alone, and shares that do not fit."""

from pathlib import Path

from interp.engines.share import Share
from interp.errors import RunError
from interp.runs import lock
from interp.runs.part import gathering, part_of
from interp.runs.run_folder import RunFolder
from interp.runs.run_record import RunRecord
from interp.support.atomic import plain


def check_place(whole: RunFolder, share: Share) -> None:
    """Raise RunError where the folder is no place for a task: it holds something else, or a run that needs none.

    So do shares of an array of another number of tasks: these would never be joined.
    """
    others = {other.of for other in map(Share.at, whole.parts.glob("*")) if other} - {share.of}
    if others:
        raise RunError(
            f"{whole.path} holds shares of an array of {min(others)} tasks, and {share} is of one of {share.of}: give "
            f"every task the same number (--shard i/{min(others)}), or choose another folder with --out"
        )
    known = {
        whole.parts.name,
        "activations",
        whole.activations_url.name,
        f".{whole.activations_url.name}.tmp",
        *lock.FILES,
    }
    if whole.run_json.exists():
        state = RunRecord.read(whole).state
        if whole.parts.is_dir() and state != "done":
            return
        what = "finished" if state == "done" else "no array of tasks"
        raise RunError(f"{whole.path} holds a run that is {what}; choose another folder with --out")
    if whole.path.is_dir() and (other := sorted({entry.name for entry in whole.path.iterdir()} - known)):
        raise RunError(f"{whole.path} holds other files ({other[0]}); choose another folder with --out")


def check_alone(folder: RunFolder) -> None:
    """Raise RunError for the folder of a task: what it made is joined with the others', not gone on with alone."""
    if part := part_of(folder):
        share, whole = part
        raise RunError(
            f"{folder.path}: is share {share} of an array and no run by itself: start that task again, then "
            f"`{gathering(whole)}`"
        )


def check_options(whole: RunFolder, new: RunRecord) -> None:
    """Raise RunError for a task of another run than the joined one, or than the shares that are there until then."""
    joined = whole.samples.exists()
    for folder in [whole] if joined else map(RunFolder, sorted(whole.parts.iterdir())):
        if (joined or Share.at(folder.path)) and folder.run_json.exists():
            record = RunRecord.read(folder)
            if record.identity != new.identity:
                else_ = "choose another folder with --out" if joined else "remove that one"
                raise RunError(
                    f"{folder.path} holds {'' if joined else 'a share of '}another run ({difference(record, new)}); "
                    f"give this task the options of that one, or {else_}"
                )


def check_same(part: Path, record: RunRecord, first: RunRecord) -> None:
    """Raise RunError for a part of another run, or one whose last digits are others."""
    if record.identity != first.identity:
        raise RunError(f"{part}: is of another run ({difference(first, record)}); remove it, and make that share again")
    then, now_ = ((one.numerics or {}).get("model", {}) for one in (first, record))
    if changed := [key for key in then if then[key] != now_.get(key)]:
        how = "make that share on a machine like theirs"
        if changed == ["threads"]:  # given to none of them: else settings differ
            how = f"make that share with OMP_NUM_THREADS={then['threads']}, or give every task the same --threads"
        raise RunError(
            f"{part}: was made with other last digits ({changed[0]} {now_.get(changed[0])}, the others' "
            f"{then[changed[0]]}); remove it, and {how}"
        )


def difference(one: RunRecord, other: RunRecord) -> str:
    """The first of settings, versions, model and data in which two records differ."""
    for what in ("settings", "versions", "model", "data"):
        then, now_ = plain(getattr(one, what)), plain(getattr(other, what))
        for key in sorted({*then, *now_}):
            if then.get(key) != now_.get(key):
                return f"{what}: {key} {then.get(key)!r:.60} and {now_.get(key)!r:.60}"
    return "its answers depend on something else"
