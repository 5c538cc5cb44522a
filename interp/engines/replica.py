"""One more copy of a run's model in another process: loaded as the run loaded its own, and held against it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from interp.engines.units import Unit, Worker
from interp.errors import ModelError
from interp.models.loading import HookedModel, load_model, model_info, model_tokenizer
from interp.models.memory import Splits
from interp.support.accepted import ModelSource
from interp.support.fingerprint import tokenizer_hash, versions, weights_hash
from interp.support.numerics import REPEATED, numerics


@dataclass(frozen=True)
class Replica:
    """What a worker loads, and on how much of a machine."""

    source: str
    device: str
    """The kind of device, without a number: a worker sees its own GPUs only."""
    dtype: str
    processed_weights: bool
    threads: int
    """Of torch, as the run began: their number is in the last digits."""
    gpus: int
    """0: the model runs on processors."""

    @classmethod
    def of(
        cls, source: ModelSource, model: HookedModel, *, device: str, dtype: str, processed_weights: bool, threads: int
    ) -> "Replica":
        """A replica of the loaded `model`. Raises ModelError for one that was given as an object, which no name has.

        A model that is spread lies on as many GPUs of one machine as it does here; another takes one.
        """
        if not isinstance(source, str | Path):
            raise ModelError(
                f"engine='ray' loads the model in every worker, by its name or path, and got a {type(source).__name__}:"
                " save it to a folder that the workers see and give that, or use engine='local'"
            )
        path = Path(source).expanduser()
        named = str(path.resolve()) if path.exists() else str(source)
        kind = model_info(model).device.type
        spread = device == "spread"
        gpus = (torch.cuda.device_count() if spread else 1) if kind == "cuda" else 0
        return cls(named, "spread" if spread else kind, dtype, processed_weights, threads, gpus)

    def load(self) -> HookedModel:
        """The model, in this process, with the threads of the run."""
        torch.set_num_threads(self.threads)
        return load_model(
            self.source, device=self.device, dtype=self.dtype, processed_weights=self.processed_weights, check=False
        )


def facts(model: HookedModel) -> dict[str, Any]:
    """All that the bytes of a unit depend on besides the unit."""
    machine = numerics(model_info(model).device)
    hashes = {"weights": weights_hash(model), "tokenizer": tokenizer_hash(model_tokenizer(model))}
    return hashes | versions() | {name: value for name, value in machine.items() if name not in REPEATED}


def differences(here: Mapping[str, Any], there: Mapping[str, Any]) -> str:
    """What is not the same there, in words; empty: nothing."""
    return ", ".join(f"{key} {here[key]} here, {there.get(key)} there" for key in here if here[key] != there.get(key))


class ReplicaWorker:
    """Makes units one after the other in a process of its own."""

    def __init__(self, replica: Replica) -> None:
        self.worker = Worker(replica.load())

    def facts(self) -> dict[str, Any]:
        """`facts` of its model."""
        return facts(self.worker.model)

    def make(self, unit: Unit[Any], sizes: Mapping[str, list[int]]) -> tuple[Any, dict[str, list[int]]]:
        """The unit made, and how many samples ran at once in those of its batches that did not fit."""
        self.worker.splits = Splits(dict(sizes))
        return unit(self.worker), self.worker.splits.sizes
