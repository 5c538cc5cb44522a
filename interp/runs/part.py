"""The folder of one task of an array, `parts/2-of-8` of the run's: no run by itself, and how it is gone on with."""

import os
from pathlib import Path
from shlex import quote

from interp.engines.share import Share
from interp.runs.run_folder import RunFolder


def part_of(folder: RunFolder) -> tuple[Share, RunFolder] | None:
    """The share whose folder it is, and the run's; None for a run by itself."""
    path = Path(os.path.abspath(folder.path))
    whole = RunFolder(path.parent.parent)
    share = Share.at(path) if path.parent == whole.parts else None
    return None if share is None else (share, whole)


def gathering(whole: RunFolder) -> str:
    """The command that joins what the tasks made."""
    return f"interp gather {quote(str(whole.path))}"
