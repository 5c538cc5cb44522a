"""The grid's probes as detectors: the nested best cell, and one cell that is fixed beforehand."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from interp.comparing.best_cell import nested_choice
from interp.errors import DataError
from interp.experiments.detecting.given import Detector, Given
from interp.statistics.cross_fold import Sketch
from interp.support.arguments import cell_label
from interp.support.axes import places

FIXED_ROLE = "exact_answer_last"


def chosen_cells(given: Given) -> dict[int, tuple[int, int]]:
    """For each fold the places (layer, role) of the cell that was chosen without it (definitions: best cell)."""
    if not given.arrays.defined.any():
        raise DataError("probe: no cell of the grid has an AUC, so that none is best")
    nested, cells = nested_choice(given.arrays, min_per_class=given.min_per_class)
    if nested.estimate.reason:
        raise DataError(f"probe: {nested.estimate.reason}")
    return {fold: (int(cells[at, 0]), int(cells[at, 1])) for fold, at in nested.chosen.items()}


def _at_cells(given: Given, values: np.ndarray, cells: dict[int, tuple[int, int]]) -> np.ndarray:
    """Of every sample, the values of its fold's cell."""
    layer, role = np.array([cells[fold] for fold in given.samples.fold.tolist()]).T
    return np.asarray(values[np.arange(len(given)), layer, role], dtype=np.float64)


def fixed_cell(given: Given, cell: tuple[int, str] | None = None) -> tuple[int, int]:
    """Where a cell stands in the grid; by default the last token of the exact answer, in the grid's middle layer."""
    layers, roles = given.grid["layer"].values.tolist(), given.grid["token"].values.tolist()
    layer, role = (sorted(layers)[len(layers) // 2], FIXED_ROLE) if cell is None else cell_label(cell)
    at = [
        places(axis, [label], there, where="the grid")[0]
        for axis, label, there in (("layer", layer, layers), ("token", role, roles))
    ]
    return int(at[0]), int(at[1])


def _detector(name: str, cells: Callable[[Given], dict[int, tuple[int, int]]]) -> Detector:
    def score(given: Given) -> Float[np.ndarray, " sample"]:
        return _at_cells(given, given.arrays.score, cells(given))

    def training(given: Given) -> Sketch | None:
        return None if given.arrays.training is None else _at_cells(given, given.arrays.training, cells(given))

    return Detector(name, "probe", score, trained=True, training=training)


def probe_detectors(cell: tuple[int, str] | None = None) -> tuple[Detector, ...]:
    """The nested best cell, and the fixed one (layer, role)."""

    def same(given: Given) -> dict[int, tuple[int, int]]:
        return dict.fromkeys(np.unique(given.samples.fold).tolist(), fixed_cell(given, cell))

    return _detector("probe", chosen_cells), _detector("probe_fixed_cell", same)


PROBES = probe_detectors()
