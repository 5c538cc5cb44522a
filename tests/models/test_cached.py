"""The cache of converted models, by folders made by hand."""

import os

import pytest

from interp.command import cli
from interp.command.cache_command import add_cache
from interp.errors import ModelError
from interp.models.cached import cached_models, remove_cached
from interp.reporting.cache_words import cache_lines


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Two models and what a killed conversion left, the second one the newest."""
    monkeypatch.setenv("INTERP_CACHE", str(tmp_path))
    for k, (name, size) in enumerate({"a-1": 1_500_000, ".b-2-xyz": 10, "b-2": 2_000_000}.items()):
        folder = tmp_path / "gguf" / name / "inner"
        folder.mkdir(parents=True)
        (folder / "model.safetensors").write_bytes(bytes(size))
        os.utime(folder.parent, (1e9 + k, 1e9 + k))
    return tmp_path / "gguf"


def test_what_is_kept_is_listed_newest_first(place, capsys):
    found = cached_models()
    assert [(one.name, one.size, one.whole) for one in found] == [
        ("b-2", 2_000_000, True), (".b-2-xyz", 10, False), ("a-1", 1_500_000, True)
    ]  # fmt: skip
    assert cli.main(["cache"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("b-2: 2.0 MB, 2001-09-") and "did not end" in lines[1]
    assert lines[-1] == f"in {place}: 3.5 MB" and lines == cache_lines(found, place)


def test_only_what_is_named_is_removed(place, capsys):
    assert cli.main(["cache", "--remove", "b-2", ".b-2-xyz"]) == 0
    assert capsys.readouterr().out == "removed 2, 2.0 MB\n"
    assert [one.name for one in cached_models()] == ["a-1"]
    for name in ("..", "a-2", "", "a-1/inner"):  # no path leads out of the cache
        with pytest.raises(ModelError, match="cached model: expected one of a-1"):
            remove_cached([name])
    assert (place / "a-1").is_dir() and add_cache.__module__ == "interp.command.cache_command"


def test_an_empty_cache_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("INTERP_CACHE", str(tmp_path / "none"))
    assert cli.main(["cache"]) == 0
    assert capsys.readouterr().out.startswith("no converted model is kept\nin ")
