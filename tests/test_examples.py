"""Every public function and class shows how it is used, and what it shows is what happens."""

import doctest
import inspect
from pathlib import Path

import pytest

import interp
from interp import demo

SHOWN = sorted(
    name
    for name in interp.__all__
    if callable(getattr(interp, name))
    and not (inspect.isclass(getattr(interp, name)) and issubclass(getattr(interp, name), Exception))
)
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which somebody has called `interp demo`, with fewer questions and without permutations."""
    where = tmp_path_factory.mktemp("examples")
    interp.run(
        model=demo.model_path(),
        data=demo.questions_path(),
        out=where / "demo-run",
        limit=80,
        prompt_template=demo.PROMPT_TEMPLATE,
        max_new_tokens=demo.MAX_NEW_TOKENS,
        permutations=0,
        controls=False,
    )
    return where


@pytest.mark.parametrize("name", SHOWN)
def test_the_example_of(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    text = inspect.cleandoc(getattr(interp, name).__doc__ or "")
    example = doctest.DocTestParser().get_doctest(text, {"interp": interp}, name, None, None)
    assert example.examples, f"interp.{name} has no example"
    said: list[str] = []
    results = doctest.DocTestRunner(optionflags=FLAGS).run(example, out=said.append)
    assert not results.failed, "".join(said)


def test_a_wrong_example_is_noticed() -> None:
    wrong = doctest.DocTestParser().get_doctest(">>> len(interp.ROLES)\n14\n", {"interp": interp}, "wrong", None, None)
    assert doctest.DocTestRunner(optionflags=FLAGS).run(wrong, out=lambda _: None).failed == 1
