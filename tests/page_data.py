"""What a page of linked grids holds, unpacked: its data as the script reads it, and its texts one after the other."""

import base64
import gzip
import json
import re
from typing import Any


def page_data(html: str) -> dict[str, Any]:
    """`axes`, `specs` and `runs` of a report."""
    (packed,) = re.findall(r'<script type="text/plain" id="explore-data">([^<]*)</script>', html)
    return json.loads(gzip.decompress(base64.b64decode(packed)))


def shades(html: str) -> set[int]:
    """Shades in which pieces of completions stand."""
    pieces = [piece for run in page_data(html)["runs"] for sample in run["samples"] for piece in sample["pieces"]]
    return {piece[2] for piece in pieces if isinstance(piece, list)}


def ranks(run: dict[str, Any], of: str, layer: str, token: str) -> dict[str, float | None]:
    """{sample: rank in per cent, None without a score} of the samples that a cell lists."""
    packed = run["ranks"][of]
    raw = base64.b64decode(packed["ranks"])
    cell = packed["layers"].index(layer) * len(packed["tokens"]) + packed["tokens"].index(token)
    known = dict(enumerate(raw[cell * packed["drawn"] : (cell + 1) * packed["drawn"]]))
    known |= dict(packed["wrongest"][cell]) if packed["wrongest"] else {}
    return {run["samples"][i]["id"]: None if byte == 255 else byte / 2.5 for i, byte in known.items()}
