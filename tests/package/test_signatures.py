"""Public signatures say what they take: no `Any` stands where a shape, a union or words could."""

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from functools import cached_property
from typing import Annotated, Any, get_args, get_origin

import pandas as pd
import pytest
import torch

import interp
from interp.controls.control_table import Controls
from interp.demo import planted
from interp.generating.asking import Exchange
from interp.grids.probe_options import EstimatorOptions, SitedOptions
from interp.labelling.judgement import Judgement
from interp.runs.keywords import ResumeOptions

JSON = (dict, Mapping)
"""{name: Any} is what JSON gives: settings, a comparison, the protocol of a probe."""
MEANT = {"Run.argument()": "what a parameter was, whichever is named"}
"""Where Any is meant, and why."""


def holds_any(kind: Any) -> bool:
    """Whether Any stands in a type: not in words (`Annotated`), nor as the values of a JSON object."""
    if kind is Any:
        return True
    origin, args = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return False
    if origin in JSON:
        return holds_any(args[0]) or (args[1] is not Any and holds_any(args[1]))
    return any(holds_any(part) for arg in args for part in (arg if isinstance(arg, list) else [arg]))


def annotations(name: str, function: Any) -> Iterator[tuple[str, Any]]:
    shown = inspect.signature(function)
    for parameter in shown.parameters.values():
        if parameter.name not in ("self", "cls"):
            yield f"{name}({parameter.name})", parameter.annotation
    yield f"{name}()", shown.return_annotation


def public(name: str) -> Iterator[tuple[str, Any]]:
    """Every annotation that `help(interp.<name>)` shows."""
    value = getattr(interp, name)
    if not inspect.isclass(value):
        yield from annotations(name, value)
        return
    for kind in value.__mro__:
        for member, held in vars(kind).items() if kind.__module__.startswith("interp.") else ():
            of = getattr(held, "__func__", held)
            if member.startswith("_"):
                continue
            if isinstance(held, property | cached_property):
                getter = held.fget if isinstance(held, property) else held.func
                yield f"{name}.{member}", inspect.signature(getter).return_annotation
            elif inspect.isfunction(of):
                yield from annotations(f"{name}.{member}", of)
    for field in fields(value) if is_dataclass(value) else ():
        yield f"{name}.{field.name}", field.type


CALLED = [name for name in interp.__all__ if callable(getattr(interp, name))]
SHOWN = dict(pair for name in CALLED for pair in public(name))


def test_no_public_signature_takes_anything_without_saying_what() -> None:
    bare = {place for place, kind in SHOWN.items() if kind is inspect.Parameter.empty or holds_any(kind)}
    assert bare == set(MEANT)


def test_any_is_found_where_it_hides() -> None:
    hidden = [Any, list[Any], Any | None, dict[Any, int], tuple[str, list[Any]], dict[str, list[Any]]]
    assert all(map(holds_any, hidden))
    assert not any(map(holds_any, [int, dict[str, Any], Annotated[Any, "words"], Annotated[Any, "words"] | None]))


@pytest.mark.parametrize(
    ("name", "options", "like"),
    [("matched_width_grid", SitedOptions, "probe_grid"), ("gain_grid", EstimatorOptions, "probe_grid")],
)
def test_forwarded_options_are_shown_as_their_function_shows_them(name: str, options: type, like: str) -> None:
    shown, other = (inspect.signature(getattr(interp, function)).parameters for function in (name, like))
    forwarded = [shown[option] for option in options.__annotations__]
    # As texts: two shaped types are never equal.
    assert [str(one) for one in forwarded] == [str(other[one.name].replace(kind=one.kind)) for one in forwarded]
    fixed = {"probe", "components"} if name == "matched_width_grid" else {"data"}
    assert set(other) - set(shown) == {"embed", "nested"} | fixed


def test_resume_shows_what_it_may_need_again() -> None:
    assert set(ResumeOptions.__annotations__) <= set(inspect.signature(interp.resume).parameters)


def test_resid_is_a_shaped_type_and_holds_to_it() -> None:
    kinds = get_args(SHOWN["Capture.resid"])
    assert [kind.dim_str for kind in kinds] == ["sample layer role d_model"] * 2
    assert isinstance(planted(20)[0].resid, kinds) and not isinstance(torch.zeros(2, 3), kinds)


RECORDS = {
    "Run.samples": "samples.jsonl, line by line",
    "Judgement.records": "what samples.jsonl holds of it",
    "Controls.rows": "what grid.csv holds of it",
    "Controls.lines": "what comparison.json holds of it",
}
"""Lists of JSON objects, for the files that hold them; beside each stands a table."""


def test_every_table_is_a_data_frame() -> None:
    kinds = [getattr(interp, name) for name in CALLED if inspect.isclass(getattr(interp, name))] + [Judgement, Controls]
    returned = {
        f"{kind.__name__}.{name}": inspect.signature(getattr(method, "fget", None) or getattr(method, "func", method))
        for kind in kinds
        for name in dir(kind)
        for method in [inspect.getattr_static(kind, name)]
        if not name.startswith("_") and (inspect.isfunction(method) or isinstance(method, property | cached_property))
    }
    returns = {place: signature.return_annotation for place, signature in returned.items()}
    lists = {
        place for place, kind in returns.items() if get_origin(kind) is list and get_origin(get_args(kind)[0]) is dict
    }
    assert lists == set(RECORDS)
    tables = {place: kind for place, kind in returns.items() if place.endswith(".table")}
    assert set(tables.values()) == {pd.DataFrame}
    holders = {
        "Answers",
        "Comparison",
        "Controls",
        "Judgement",
        "Positions",
        "Run",
        "RunSample",
        "Selective",
        "TokenScores",
    }
    assert {place.split(".")[0] for place in tables} == holders
    assert SHOWN["observations()"] is SHOWN["grid_table()"] is pd.DataFrame


def test_a_judgement_is_a_table_too() -> None:
    judged = Judgement(asked=[Exchange("Right?", "Yes."), None], hand=[False, None], correct=[True, None])
    table = judged.table()
    assert table["reply"].tolist() == ["Yes.", None] and table["verdict"].tolist() == [True, pd.NA]
    assert table["hand"].tolist() == [False, pd.NA] and table["correct"].tolist() == [True, pd.NA]
    assert list(judged[[]].table().columns) == list(table.columns)
