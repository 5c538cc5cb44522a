"""Records of a data set on the Hugging Face hub, one after the other, without fetching the whole of it."""

from collections.abc import Iterator, Mapping
from typing import Any

from interp.data.record import Record
from interp.errors import DataError

PARQUET_BRANCH = "refs/convert/parquet"
"""Where the hub keeps a data set as Parquet files that it made itself."""


def read_hub(name: str, place: tuple[str, str | None, str] | None, published: str) -> Iterator[Record]:
    """The records of the data set `name` at `place` (path, configuration, split); `published` is where its file is.

    Raises DataError for a data set that is not on the hub, or a hub that cannot be read, with what to do instead.
    """
    if place is None:
        raise DataError(f"{name} is not on the Hugging Face hub; give its file ({published})")
    try:
        import datasets
    except ImportError:
        raise DataError(
            f"{name} without a file comes from the Hugging Face hub, which needs `datasets`: run "
            f"`pip install datasets`, or give the published file ({published})"
        ) from None
    path, configuration, split = place
    try:
        for number, record in enumerate(_streamed(datasets, path, configuration, split)):
            yield f"{path}:{split} {number}", record
    except (OSError, ValueError, RuntimeError, datasets.exceptions.DatasetsError) as error:
        raise DataError(
            f"{name}: {path} cannot be read from the Hugging Face hub "
            f"({str(error).splitlines()[0] if str(error) else type(error).__name__}); "
            f"give the published file instead ({published})"
        ) from None


def _streamed(datasets: Any, path: str, configuration: str | None, split: str) -> Iterator[Mapping[str, Any]]:
    """Records as they are published; where that is a script, those of the Parquet files that the hub made of it.

    `datasets` runs no scripts since 4.0. On the branch of the Parquet files a configuration is a folder; without it the
    rows of all configurations would come.
    """
    try:
        yield from datasets.load_dataset(path, configuration, split=split, streaming=True)
        return
    except (RuntimeError, ValueError) as error:
        if "script" not in str(error) and "trust_remote_code" not in str(error):
            raise
    folder = {} if configuration is None else {"data_dir": configuration}
    yield from datasets.load_dataset(path, split=split, streaming=True, revision=PARQUET_BRANCH, **folder)
