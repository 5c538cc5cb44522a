"""`run` and `plan` say what they take: the options of the settings, with their defaults."""

import inspect
from dataclasses import fields
from pathlib import Path

import pytest

import interp
from interp.runs.keywords import RunOptions
from interp.runs.settings import Settings


def test_every_setting_is_an_option_and_every_option_a_setting() -> None:
    assert set(RunOptions.__annotations__) == {field.name for field in fields(Settings)} - {"model", "data"}


@pytest.mark.parametrize("name", ["run", "plan"])
def test_the_signature_shows_every_option_with_its_default(name: str) -> None:
    shown = inspect.signature(getattr(interp, name)).parameters
    assert {"model", "data", "out"} <= set(shown) and "options" not in shown
    for field in fields(Settings):
        if field.name not in ("model", "data"):
            assert shown[field.name].default == field.default, field.name


def test_type_checkers_may_read_the_package() -> None:
    assert (Path(interp.__file__).parent / "py.typed").is_file()
