"""Each notebook and its text say the same: the text is read and compared in reviews, the notebook is run."""

from pathlib import Path

import jupytext
import nbformat
import pytest

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
PAIRS = sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb"))


def cells(notebook: nbformat.NotebookNode) -> list[tuple[str, str]]:
    return [(cell.cell_type, cell.source.strip()) for cell in notebook.cells]


def test_every_notebook_has_its_text():
    assert sorted(path.stem for path in NOTEBOOKS.glob("*.py")) == PAIRS and len(PAIRS) >= 7


@pytest.mark.parametrize("name", PAIRS)
def test_notebook_and_text_are_the_same(name):
    """`jupytext --update --to ipynb notebooks/NAME.py` brings a change of the text into the notebook."""
    notebook, text = (jupytext.read(NOTEBOOKS / f"{name}{suffix}") for suffix in (".ipynb", ".py"))
    assert cells(notebook) == cells(text)


@pytest.mark.parametrize("name", PAIRS)
def test_a_notebook_has_its_results_and_no_errors(name):
    notebook = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
    run = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert any(cell.outputs for cell in run)
    kinds = {(output.output_type, output.get("name")) for cell in run for output in cell.outputs}
    assert not {("error", None), ("stream", "stderr")} & kinds
