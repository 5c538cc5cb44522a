"""What a later room does for a thing of an earlier one, as drawing does for grids: imported when it is asked for."""

from importlib import import_module
from typing import Any


def later(home: str) -> Any:
    """A name of the package by where it lives, `reporting.plotting.plot_grid`."""
    module, _, name = home.rpartition(".")
    return getattr(import_module(f"interp.{module}"), name)
