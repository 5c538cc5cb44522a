"""What a role's token attends to, as a notebook shows it: the sample's text in shades of blue."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from interp.reporting.sample_words import NO_TEXT, attention_key
from interp.runs.token_html import css, token_text
from interp.support.html_repr import Html, box, section, sentences, table
from interp.support.units import decimal
from interp.text.coloured import deepest, level

MOST = 8
"""Tokens that are listed, from the most attended on."""


@dataclass(frozen=True, eq=False)
class TokenAttention:
    """Attention from a role's token over its sample's text (`RunSample.show_attention`)."""

    id: str
    """The sample."""
    role: str
    layer: int | str
    head: int | str
    weights: xr.DataArray
    """On `position`."""
    tokens: pd.DataFrame
    """`RunSample.table()`."""

    @property
    def heading(self) -> str:
        """Which layer and head."""
        layer = "mean over layers" if self.layer == "mean" else f"layer {self.layer}"
        return f"{layer}, {'mean over heads' if self.head == 'mean' else f'head {self.head}'}"

    def __repr__(self) -> str:
        """In one line: of what."""
        return f"TokenAttention(sample {self.id!r}, {self.role}, {self.heading})"

    def _repr_html_(self) -> str:
        """In a notebook: the text in colours, and the tokens with the most of it."""
        sections = [
            section("Text", attention_text(self.weights, self.tokens, self.role), opened=True),
            section("Most attended", most_attended(self.weights), opened=True),
        ]
        return box("Attention", [self.id, f"from {self.role}", self.heading], sections, css=css())


def attention_text(weights: xr.DataArray, tokens: pd.DataFrame, role: str) -> Html:
    """The text, each token in the shade of its weight, and the role's own framed."""
    own = [at for at, roles in enumerate(tokens["roles"]) if role in roles]
    values = weights.values
    seen = values[: max(own) + 1]
    limit = deepest(seen)
    if tokens["text"].isna().any():
        return sentences([NO_TEXT])
    shades = [level(value, limit) for value in values.tolist()]
    told = [decimal(value) for value in values.tolist()]
    text = token_text(tokens, {}, shades=shades, told=told, here=own, near=_most(weights))
    return Html(text + sentences([attention_key(role, limit)]))


def most_attended(weights: xr.DataArray) -> Html:
    """The tokens with the most weight, in a table."""
    text, values = weights["text"].values, weights.values
    rows = [(str(at), "" if text[at] is None else text[at], float(values[at])) for at in _most(weights)]
    return table(("position", "token", "weight"), rows)


def _most(weights: xr.DataArray) -> list[int]:
    order: list[int] = np.argsort(-weights.values, kind="stable")[:MOST].tolist()
    return order
