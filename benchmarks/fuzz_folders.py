"""Fuzzed: what a run or a probe left on the disk: manifests, shards, grids, the log of answers."""

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from fuzz_damage import Target, always, damaged_bytes, damaged_json, damaged_lines
from fuzz_rows import as_lines, json_lines
from hypothesis import strategies as st

import interp
from interp.errors import InterpError
from interp.generating.answer_log import AnswerLog, Generated
from interp.reporting.report import report_html
from interp.reporting.section import read_sections
from interp.running.exploring import explored_run
from interp.runs.identity import run_identity
from interp.runs.run_folder import RunFolder
from interp.storing.shard_files import verify_shards
from interp.storing.shard_io import ShardReader, ShardWriter
from interp.support.stored import as_written


def manifests_target(folder: Path) -> Target:
    """A finished run's files, one of them changed, and a probe's: opened, read, shown, and drawn as a page."""
    run = _finished(folder)
    names = ["run.json", "samples.jsonl", "comparison.json", "grid.csv", "positions.csv", "experiments/own.json"]
    names += ["experiments/token_scores.jsonl", "probe/config.json", "probe/model.safetensors"]
    wholes = {name: (run / name).read_bytes() for name in names}

    def of_file(name: str) -> st.SearchStrategy[tuple[str, bytes, bool]]:
        options = [damaged_bytes(always(wholes[name]))]
        if name.endswith(".json"):
            options.append(damaged_json(always(json.loads(wholes[name]))))
        if name.endswith(".jsonl"):
            options.append(damaged_lines(always(json_lines(run / name))))
        return st.tuples(always(name), st.one_of(options), st.integers(0, 9).map(lambda one: one == 0))

    def check(drawn: tuple[str, bytes, bool]) -> None:
        name, content, whole_page = drawn
        (run / name).write_bytes(content)
        try:
            if name.startswith("probe/"):
                interp.FittedProbe.from_pretrained(run / "probe")._repr_html_()
            else:
                _read_whole(run, whole_page)
        finally:
            (run / name).write_bytes(wholes[name])

    return Target("manifests", st.sampled_from(names).flatmap(of_file), check)


def _finished(folder: Path) -> Path:
    """A run with an experiment's section, the scores of tokens and a probe."""
    from interp.demo import planted

    out = folder / "finished"
    if not out.exists():
        from interp import demo

        options: dict[str, Any] = {"prompt_template": demo.PROMPT_TEMPLATE, "max_new_tokens": 24, "permutations": 0}
        run = interp.run(
            model=demo.model_path(), data=demo.questions_path(), limit=16, out=out, controls=False, **options
        )
        cap, answers = planted()
        interp.fit_probe(cap, answers.correct, layer=1, role="exact_answer_last").save_pretrained(out / "probe")
        identity = run_identity(run.record)
        (out / "experiments").mkdir()
        table = {"caption": "c", "columns": ["a", "b"], "rows": [["x", 1.5], ["y", None]]}
        section = {"name": "own", "title": "t", "sentences": ["s"], "tables": [table], "settings": {"seed": 0}}
        section |= {"pictures": [{"name": "own", "caption": "c", "wide": False}], "run": identity}
        (out / "experiments" / "own.json").write_text(json.dumps(section))
        (out / "experiments" / "own.svg").write_text("<svg/>")
        line = {"run": identity, "layer": 1, "role": "last_q", "reason": ""}
        lines = [
            line | {"id": one["id"], "fold": one["fold"], "token": [0], "text": [one["completion"]], "score": [0.5]}
            | {"special": [False]}
            for one in run.samples
        ]  # fmt: skip
        (out / "experiments" / "token_scores.jsonl").write_bytes(as_lines(lines))
    return out


def _read_whole(path: Path, whole_page: bool) -> None:
    """Everything that a run shows of itself; each part on its own, as one may be refused."""
    run = interp.open_run(path)
    parts: list[Callable[[], Any]] = [
        lambda: run.status(),
        lambda: run.verify(),
        lambda: run.table(),
        lambda: run.summary(),
        lambda: run._repr_html_(),
        lambda: run.positions.table(),
        lambda: run.sample(0)._repr_html_(),
        lambda: run.capture.resid[:2, 0],
    ]
    parts += [lambda: redraw_page(run)] * whole_page  # it takes as long as all the others together
    for part in parts:
        try:
            part()
        except InterpError:
            continue


def redraw_page(run: interp.Run) -> None:
    """The page of `redraw`, without its figures."""
    with as_written(run.folder.path):
        _page(run)


def _page(run: interp.Run) -> None:
    folder, comparison = RunFolder.at(run.folder.path), run.comparison
    sections, foreign = read_sections(folder.experiments, run=run_identity(run.record))
    page = report_html(
        run=run.record,
        samples=run.samples,
        probe=run.probe,
        attention=run.attention,
        delta=comparison.delta_auc,
        comparison=comparison,
        observations=comparison["observations"],
        controls=(comparison["controls"] or {}).get("summary"),
        sections=sections,
        sections_folder=folder.experiments,
        foreign=foreign,
        explored=explored_run(folder, run.probe, run.attention, run.record),
    )
    assert page.count("<script") <= 5 and page.count("</script") <= 5, page.count("<script")


def shards_target(folder: Path) -> Target:
    """Shards and their markers: what is not refused is what was written."""
    place = folder / "shards"
    writer = ShardWriter(place, run="r", roles=("a", "b"))
    tensors = {"embed": torch.randn(3, 2, 4), "resid_post.0": torch.randn(3, 2, 4, dtype=torch.float64)}
    writer.write(0, tensors, ["x", "y", "z"], valid=torch.ones(3, 2, dtype=torch.bool))
    paths = {name: place / f"shard-00000.{name}" for name in ("json", "safetensors")}
    wholes = {name: path.read_bytes() for name, path in paths.items()}
    marker = json.loads(wholes["json"])

    def check(drawn: tuple[str, bytes]) -> None:
        name, content = drawn
        paths[name].write_bytes(content)
        try:
            said = verify_shards(place, run="r")
            reader = ShardReader(place)
            for key in reader.keys:
                site, _, layer = key.rpartition(".")
                found = reader.read(site or key, layer=int(layer)) if layer.isdecimal() else reader.read(key)
                assert said or key == "valid" or torch.equal(found, tensors[key])
        finally:
            paths[name].write_bytes(wholes[name])

    markers = damaged_json(always(marker)) | damaged_bytes(always(wholes["json"]))
    strategy = st.tuples(always("json"), markers) | st.tuples(
        always("safetensors"), damaged_bytes(always(wholes["safetensors"]))
    )
    return Target("shard readers", strategy, check)


def logs_target(folder: Path) -> Target:
    """The log of answers: a line that comes back is one that was written."""
    path = folder / "answers.partial.jsonl"
    written = {f"q{i}": Generated([i, 2, 3], "stop", [-0.5, float("-inf"), 0.0], i, [0.1, 0.2, 0.3]) for i in range(4)}
    path.unlink(missing_ok=True)
    AnswerLog(path, run="r").add(written)
    whole = path.read_bytes()

    def check(content: bytes) -> None:
        path.write_bytes(content)
        log = AnswerLog(path, run="r")
        log.begin({name: [1] for name in written})
        log.add({"new": written["q0"]})
        again = AnswerLog(path, run="r").finished
        assert again == log.finished and again["new"] == written["q0"]

    return Target("answer logs", damaged_bytes(always(whole)) | damaged_lines(always(json_lines(path))), check)


def grids_target(folder: Path) -> Target:
    """`grid.nc`, whose format the HDF5 library reads."""
    whole = (_finished(folder) / "grid.nc").read_bytes()
    path = folder / "changed.nc"

    def check(content: bytes) -> None:
        from interp.grids.grid import load_grid

        path.write_bytes(content)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            load_grid(path, group="probe")

    return Target("grids", damaged_bytes(always(whole)), check)
