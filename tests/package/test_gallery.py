"""The gallery's page is what its script writes, and each of its figures can be drawn from a small run."""

import sys
from pathlib import Path

import pytest
from matplotlib import image

import interp
from interp.demo import planted
from interp.grids.of_run import RunLike

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture
def gallery(monkeypatch):
    monkeypatch.syspath_prepend(str(DOCS))
    import gallery

    yield gallery
    sys.modules.pop("gallery")


def test_the_page_is_what_the_script_writes(gallery):
    assert (DOCS / "gallery.md").read_text(encoding="utf-8") == "\n".join(
        [gallery.HEAD, *map(gallery.section, gallery.FIGURES)]
    )
    drawn = {path.stem for path in (DOCS / "figures" / "gallery").iterdir()}
    assert drawn == {function.__name__ for function in gallery.FIGURES}


def test_every_figure_is_drawn_from_a_run(gallery, tmp_path):
    cap, answers = planted()
    probe, attention = interp.probe_grid(cap, answers.correct), interp.attention_grid(cap, answers.correct)
    like = dict.fromkeys(name for name in dir(RunLike) if not name.startswith("_"))
    comparison = interp.compare_grids(probe, attention).to_dict()
    like |= {"capture": cap, "probe": probe, "attention": attention, "comparison": comparison}
    gallery.make(type("Small", (RunLike,), like)(), tmp_path)
    for function in gallery.FIGURES:
        height, width, _ = image.imread(tmp_path / "figures" / "gallery" / f"{function.__name__}.png").shape
        assert width in (650, 1350) and 200 < height < 1000
