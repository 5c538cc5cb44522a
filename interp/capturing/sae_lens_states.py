"""Activations that SAELens cached: a `datasets` folder of Arrow files, one column per hook point beside `token_ids`.

Read without SAELens and `datasets` (the format of SAELens 6's `CacheActivationsRunner`). A row is a context, cut to one
length: SAELens lets texts run into each other, so only what begins a row has seen nothing before it.
"""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from interp.capturing.hidden_states import HiddenStates
from interp.errors import DataError
from interp.models.hook_places import place_of

STATE = "state.json"
"""Names the Arrow files of the folder."""


def read_sae_lens(folders: Sequence[Path]) -> tuple[HiddenStates, list[int | str | None], str]:
    """The states, their blocks and their site, of one folder for each hook point.

    Raises DataError for another form, folders of different sites or contexts, or a cache without token ids.
    """
    places: list[tuple[str, int]] = []
    parts: list[list[Tensor]] = []
    tokens: list[tuple[int, ...]] = []
    for folder in folders:
        columns = _columns(folder)
        if "token_ids" not in columns:
            raise DataError(
                f"{folder}: holds no token_ids (SAELens before 6 kept none), without which no state can be told to be "
                "of a sample; cache them anew"
            )
        ids = [tuple(row) for row in columns.pop("token_ids").tolist()]
        if tokens and ids != tokens:
            raise DataError(f"{folder}: its contexts are others than those of {folders[0]}; cache one data set alike")
        tokens = ids
        for hook, values in columns.items():
            places.append(place_of(hook))
            parts.append([*torch.from_numpy(values)])
    sites = {site for site, _ in places}
    if len(sites) != 1 or len({*places}) < len(places):
        raise DataError(
            f"{folders[0]}: expected different layers of one site, got {places}; read other sites by themselves"
        )
    states = [[part[row] for part in parts] for row in range(len(tokens))]
    return HiddenStates(tokens, states), [layer for _, layer in places], sites.pop()


def _columns(folder: Path) -> dict[str, np.ndarray]:
    """Every column of a folder that `datasets` wrote, as an array `row …`."""
    try:
        import pyarrow
    except ImportError:
        raise DataError(f"{folder}: Arrow files need pyarrow; run `pip install 'interp[parquet]'`") from None
    try:
        names = [file["filename"] for file in json.loads((folder / STATE).read_text(encoding="utf-8"))["_data_files"]]
        if odd := [name for name in names if Path(name).name != name]:
            raise DataError(f"{folder}: {STATE} names a file outside the folder, {odd[0]!r}; it is not read")
        tables = []
        for name in names:
            with pyarrow.memory_map(str(folder / name)) as source, pyarrow.ipc.open_stream(source) as reader:
                tables.append(reader.read_all())
        table = pyarrow.concat_tables(tables)
        table.validate(full=True)  # what is damaged would else be read beyond its end
        return {name: _array(table.column(name)) for name in table.column_names}
    except (OSError, ValueError, KeyError, TypeError, pyarrow.ArrowException) as error:
        raise DataError(
            f"{folder}: expected the folder that SAELens wrote (Arrow files and {STATE}): {error}"
        ) from error


def _array(column: Any) -> np.ndarray:
    """Nested lists of one length each, as an array."""
    values, shape = column.combine_chunks(), [len(column)]
    while True:
        values = getattr(values, "storage", values)  # a type of `datasets`, where that is loaded
        if not hasattr(values, "flatten") or not hasattr(values.type, "value_type"):
            break
        values = values.flatten()
        shape.append(len(values) // max(1, math.prod(shape)))
    return np.array(values.to_numpy(zero_copy_only=False)).reshape(shape)  # of our own: Arrow's cannot be written
