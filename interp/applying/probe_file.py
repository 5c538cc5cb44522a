"""A fitted probe on disk: two files beside each other, or those of a folder that was made for a hub."""

from pathlib import Path

from interp.applying.fitted_probe import FittedProbe
from interp.applying.probe_format import CONFIG, WEIGHTS, read_probe, write_probe
from interp.support.arguments import instance
from interp.support.arguments import path as path_of
from interp.support.public import public


@public
def save_probe(probe: FittedProbe, path: str | Path) -> Path:
    """Write `path.safetensors` (float64 weights) and `path.json`; returns the JSON's path. RunError if that fails.

    >>> from interp.demo import planted
    >>> cap, answers = planted()
    >>> probe = interp.fit_probe(cap, answers.correct, layer=1, role="exact_answer_last")
    >>> interp.save_probe(probe, "truth").name
    'truth.json'
    """
    instance("probe", probe, FittedProbe, "it comes from fit_probe or load_probe")
    return write_probe(probe, *_files(path_of("path", path)))


@public
def load_probe(path: str | Path) -> FittedProbe:
    """The probe that `save_probe`, or `FittedProbe.save_pretrained` into a folder, wrote, bit for bit.

    Raises DataError if a file is missing, damaged, foreign or larger than a probe can be.

    >>> from interp.demo import planted
    >>> cap, answers = planted()
    >>> path = interp.save_probe(interp.fit_probe(cap, answers.correct, layer=1, role="exact_answer_last"), "truth")
    >>> interp.load_probe(path).layer
    1
    """
    given = path_of("path", path)
    weights, text = (given / WEIGHTS, given / CONFIG) if given.is_dir() else _files(given)
    return read_probe(FittedProbe, weights, text)


def _files(stem: Path) -> tuple[Path, Path]:
    stem = stem.with_suffix("") if stem.suffix in (".json", ".safetensors") else stem
    return stem.with_name(f"{stem.name}.safetensors"), stem.with_name(f"{stem.name}.json")
