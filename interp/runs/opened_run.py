"""A run as an object: what `run`, `resume` and `open_run` return."""

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import xarray as xr
from jaxtyping import Float
from torch import Tensor

from interp.answering.answer_log import AnswerLog
from interp.answering.answers import Answers
from interp.answering.judgement import judge_sentence
from interp.answering.length_stops import length_warnings
from interp.answering.place_check import place_warnings
from interp.capturing.activations import Capture
from interp.capturing.ledger import read_ledger
from interp.capturing.positions import Positions, positions_at
from interp.comparing.opening import confidence_sentences, opening, small_class_note
from interp.fingerprint import json_hash
from interp.probing.grid import load_grid
from interp.runs.run_folder import RunFolder, read_answers, read_run_json, read_samples
from interp.runs.store import ShardReader, finished_shards, verify_shards
from interp.runs.stored import read_padded, stored_capture


def run_identity(record: dict[str, Any]) -> str:
    """What the shards of a run name as theirs: a hash of settings, versions, model and data."""
    return json_hash([record[key] for key in ("settings", "versions", "model", "data")])


@dataclass(frozen=True)
class Run:
    """A finished (or unfinished) run, read from its folder."""

    folder: RunFolder

    @cached_property
    def settings(self) -> dict[str, Any]:
        """`run.json`."""
        return read_run_json(self.folder)

    @cached_property
    def samples(self) -> list[dict[str, Any]]:
        """`samples.jsonl`."""
        return read_samples(self.folder)

    @cached_property
    def answers(self) -> Answers:
        """What the model was given and produced."""
        return read_answers(self.samples, span_uses_gold=bool(self.settings.get("span_uses_gold")))

    @cached_property
    def probe(self) -> xr.Dataset:
        """The probe grid."""
        return self._grid("probe")

    @cached_property
    def attention(self) -> xr.Dataset:
        """The attention grid."""
        return self._grid("attention")

    @cached_property
    def comparison(self) -> dict[str, Any]:
        """`comparison.json`."""
        return dict(json.loads(self.folder.comparison.read_text(encoding="utf-8")))

    @cached_property
    def positions(self) -> Positions:
        """Token positions of every sample, as they were resolved when it was answered."""
        roles = tuple(self.samples[0]["positions"])
        index = [[-1 if token is None else token for token in line["positions"].values()] for line in self.samples]
        path = self.folder.positions
        ledger = read_ledger(path, self.answers.id, len(roles)) if path.exists() else None
        return positions_at(self.answers, index, roles, ledger)

    @cached_property
    def capture(self) -> Capture:
        """The activations; vectors stay on disk until a layer is asked for."""
        return stored_capture(
            self.folder.activations, tuple(self.answers.id), self.positions, run=run_identity(self.settings)
        )

    def activations(self, *, layer: int, role: str, site: str = "resid_post") -> Float[Tensor, "sample width"]:
        """Vectors of one cell, in the order of the samples (NaN: the sample lacks the role); nothing else is loaded."""
        reader = ShardReader(self.folder.activations, run=run_identity(self.settings))
        return read_padded(reader, site, layer, tuple(self.answers.id), role=role)

    def status(self) -> str:
        """How far the run is, and how to go on."""
        state = self.settings["state"]
        lines = [f"{self.folder.path}: {state}, begun {self.settings['created']}"]
        if self.folder.samples.exists():
            shards = finished_shards(self.folder.activations) if self.folder.activations.exists() else []
            captured = sum(len(shard.sample_ids) for shard in shards)
            lines.append(f"{len(self.samples)} samples answered, {captured} captured in {len(shards)} shards")
        elif state == "answering":
            answered = len(AnswerLog(self.folder.answer_log, run=run_identity(self.settings)).finished)
            asked = self.settings["data"]["rows"] * self.settings["settings"]["samples_per_question"]
            lines.append(f"{answered} of {asked} samples answered")
        lines += [f"{name}: {seconds:.1f} s" for name, seconds in self.settings["seconds"].items()]
        lines.append("finished" if state == "done" else f"go on with: {self.settings['resume']}")
        return "\n".join(lines)

    def verify(self) -> list[str]:
        """One sentence for every shard that is damaged, missing or foreign; none if all is well."""
        problems = verify_shards(self.folder.activations, run=run_identity(self.settings))
        if problems or self.settings["state"] not in ("probing", "reporting", "done"):
            return problems
        captured = {sample for shard in finished_shards(self.folder.activations) for sample in shard.sample_ids}
        tokens = zip(self.answers.prompt_ids, self.answers.completion_ids, strict=True)
        lacking = [
            id
            for id, status, ids in zip(self.answers.id, self.answers.status, tokens, strict=True)
            if status != "too_long" and any(ids) and id not in captured
        ]
        if not lacking:
            return []
        return [
            f"{self.folder.activations}: no shard holds sample {lacking[0]!r} and {len(lacking) - 1} more; "
            "capture them with `interp resume`"
        ]

    def summary(self) -> str:
        """What the run found, in a few lines of text."""
        counts, best = self.settings["counts"], self.comparison["best"]
        lines = [
            f"{counts['samples']} samples, {_percent(counts['accuracy'])} right, {counts['population']} in the grids "
            f"(labelled, with an exact answer)."
        ]
        if left_out := self.settings["data"].get("left_out"):
            reasons = ", ".join(f"{count} {reason}" for reason, count in left_out.items())
            lines.append(f"Questions without an answer, left out: {reasons}.")
        if nonfinite := counts.get("nonfinite"):
            lines.append(
                f"{sum(nonfinite.values())} numbers in {len(nonfinite)} stored tensors are NaN or infinite (first "
                f"{next(iter(nonfinite))}; all in run.json); their samples are left out of those cells."
            )
        if near_ties := counts.get("near_ties"):
            lines.append(
                f"At {near_ties} step(s) of generation two tokens were equally likely to within rounding: in batches "
                "of another size the answer may differ there (near_ties in samples.jsonl)."
            )
        lines.append(opening(self.probe, self.comparison))
        lines += confidence_sentences(self.comparison.get("against_controls", []))
        cell, nested = best["attention"]["cell"], best["attention"]["nested"]
        if cell is None or nested["value"] is None:
            lines.append("attention grid: no cell is defined.")
        else:
            lines.append(
                f"attention grid: best cell layer {cell['layer']}, {cell['token']}; chosen on other folds its AUC is "
                f"{nested['value']:.2f} [{nested['low']:.2f}, {nested['high']:.2f}]."
            )
        between = self.comparison["correlation"]["raw"]["between"]
        if between is not None:
            lines.append(f"Correlation of the two grids over cells: {between:.2f}.")
        if counts.get("judge") is not None:
            lines.append(judge_sentence(counts["judge"]))
        notes = [
            *small_class_note(self.probe, self.comparison),
            *length_warnings(self.samples, self.settings["settings"].get("max_new_tokens")),
            *place_warnings(counts.get("place_check", ())),
        ]
        lines += [f"Note: {sentence}" for sentence in notes]
        lines.append(f"Report: {self.folder.report}")
        return "\n".join(lines)

    def _grid(self, group: str) -> xr.Dataset:
        return load_grid(self.folder.grid_nc, group=group)

    def __repr__(self) -> str:
        return f"Run({str(self.folder.path)!r}, state={self.settings.get('state')!r})"


def _percent(share: float | None) -> str:
    return "none" if share is None else f"{share:.0%}"
