"""Models that were converted and kept on this machine: what they are, what they take, and how they go."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from interp.errors import ModelError
from interp.models.gguf import cache_folder
from interp.support.arguments import one_of


@dataclass(frozen=True)
class Cached:
    """A folder of the cache."""

    name: str
    size: int
    """Bytes on disk."""
    made: datetime
    """When it was written, in local time."""
    whole: bool
    """Whether it is a model; else what a conversion that was killed left behind."""


def cached_models(place: Path | None = None) -> list[Cached]:
    """Every folder of the cache, the newest first. Raises ModelError if the cache cannot be read."""
    place = place or cache_folder() / "gguf"
    try:
        folders = [entry for entry in place.iterdir() if entry.is_dir()] if place.exists() else []
        found = [
            Cached(
                folder.name,
                sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()),
                datetime.fromtimestamp(folder.stat().st_mtime),
                not folder.name.startswith("."),
            )
            for folder in folders
        ]
    except OSError as error:
        raise ModelError(f"the cache {place} cannot be read: {error.strerror}") from error
    return sorted(found, key=lambda one: (-one.made.timestamp(), one.name))


def remove_cached(names: Sequence[str], place: Path | None = None) -> int:
    """Remove folders of the cache by name; the bytes freed. Raises ModelError for a name that is not there."""
    place = place or cache_folder() / "gguf"
    known = {one.name: one for one in cached_models(place)}
    chosen = [known[one_of("cached model", name, known, error=ModelError)] for name in dict.fromkeys(names)]
    for one in chosen:
        try:
            shutil.rmtree(place / one.name)
        except OSError as error:
            raise ModelError(f"{place / one.name} cannot be removed: {error.strerror}") from error
    return sum(one.size for one in chosen)
