"""Records from the hub: as published, or from the hub's own Parquet files where only a script was published."""

import datasets
import pytest

from interp.data.hub import PARQUET_BRANCH, read_hub
from interp.errors import DataError

PLACE = ("owner/name", "part", "train")


def test_a_script_is_passed_over_for_the_parquet_files_of_its_configuration(monkeypatch):
    asked = []

    def load(*arguments, revision=None, **options):
        asked.append((arguments, revision, options))
        if revision is None:
            raise RuntimeError("Dataset scripts are no longer supported, but found name.py")
        return [{"question": "a"}, {"question": "b"}]

    monkeypatch.setattr(datasets, "load_dataset", load)
    records = list(read_hub("name", PLACE, "somewhere"))
    assert records == [("owner/name:train 0", {"question": "a"}), ("owner/name:train 1", {"question": "b"})]
    streamed = {"split": "train", "streaming": True}
    assert asked == [
        (("owner/name", "part"), None, streamed),
        (("owner/name",), "refs/convert/parquet", streamed | {"data_dir": "part"}),
    ]
    list(read_hub("name", ("owner/name", None, "train"), "somewhere"))
    assert asked[-1] == (("owner/name",), PARQUET_BRANCH, streamed)


def test_another_error_is_not_tried_again(monkeypatch):
    asked = []

    def load(*arguments, **options):
        asked.append(options)
        raise ValueError("Unknown split 'train'")

    monkeypatch.setattr(datasets, "load_dataset", load)
    with pytest.raises(
        DataError, match="name: owner/name cannot be read .*Unknown split 'train'.*file instead .somewhere."
    ):
        list(read_hub("name", PLACE, "somewhere"))
    assert len(asked) == 1


def test_a_folder_of_the_parquet_branch_is_one_configuration(tmp_path):
    """What the second call relies on, with a folder in the place of the hub."""
    for part in ("part", "other"):
        (tmp_path / part / "train").mkdir(parents=True)
        datasets.Dataset.from_list([{"question": part}]).to_parquet(tmp_path / part / "train" / "0000.parquet")
    options = {"split": "train", "streaming": True}
    assert [r["question"] for r in datasets.load_dataset(str(tmp_path), data_dir="part", **options)] == ["part"]
    assert len(list(datasets.load_dataset(str(tmp_path), **options))) == 2
