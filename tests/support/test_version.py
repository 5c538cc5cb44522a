"""The version stands in two places, because importing the package's own metadata takes longer than the rest."""

import re
from pathlib import Path

import interp
from interp.support.version import __version__


def test_the_version_is_that_of_the_project():
    project = (Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8")
    assert interp.__version__ == __version__ == re.search(r'^version = "(.+)"$', project, re.M)[1]
