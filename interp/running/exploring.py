"""What a finished run's page explores, read from its folder: grids, samples, their tokens, experiments' grids."""

from typing import Any

import xarray as xr

from interp.capturing.ledger import read_ledger
from interp.capturing.role_text import pooling_of
from interp.errors import RunError
from interp.grids.grid import load_grid
from interp.grids.tidy import read_tidy
from interp.reporting.explore_run import Explored
from interp.reporting.explore_samples import RoleTexts
from interp.reporting.section import read_sections
from interp.reporting.token_colours import TokenColours
from interp.runs.identity import run_identity
from interp.runs.run_folder import RunFolder, read_samples
from interp.support.stored import read_json_lines


def explored_run(
    folder: RunFolder, probe: xr.Dataset, attention: xr.Dataset, record: dict[str, Any], *, name: str = ""
) -> Explored:
    """Of its two grids and what else its folder holds. Raises RunError for a file that cannot be read."""
    samples = read_samples(folder)
    identity = run_identity(record)
    sections, _ = read_sections(folder.experiments, run=identity)
    files = [(section, folder.experiments / f"{section.name}.nc") for section in sections]
    return Explored.of(
        name or "run",
        read_tidy(folder.grid_csv),
        {"probe": probe, "attention": attention},
        samples,
        sections=[(section.name, section.title, load_grid(path)) for section, path in files if path.exists()],
        texts=_role_texts(folder, samples, record),
        colours=TokenColours.of(token_scores(folder, identity), samples),
    )


def _role_texts(folder: RunFolder, samples: list[dict[str, Any]], record: dict[str, Any]) -> RoleTexts:
    """From positions.csv; none for a run of before it was written."""
    if not folder.positions.exists() or not samples:
        return RoleTexts()
    roles, ids = list(samples[0]["positions"]), [str(line["id"]) for line in samples]
    ledger = read_ledger(folder.positions, ids, len(roles))
    return RoleTexts(
        {name: dict(zip(roles, row, strict=True)) for name, row in zip(ids, ledger.text.tolist(), strict=True)},
        frozenset(pooling_of(record["settings"]["roles"])),
    )


def token_scores(folder: RunFolder, run: str) -> list[dict[str, Any]]:
    """The lines of token_scores.jsonl, if it is there and of this run. Raises RunError for one that cannot be read."""
    if not folder.token_scores.exists():
        return []
    try:
        lines = list(read_json_lines(folder.token_scores))
        if all({"run", "id", "layer", "role", "fold", "text", "special", "score"} <= line.keys() for line in lines):
            return [line for line in lines if line["run"] == run]
    except (OSError, ValueError, AttributeError):
        pass
    raise RunError(f"{folder.token_scores} is not as `interp tokens` wrote it; `interp tokens {folder.path}` once more")
