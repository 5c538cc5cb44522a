"""A Capture's arrays against its labels: every array, wrong in every axis, is named with the shape it should have."""

import numpy as np
import pytest
import torch

from interp.capturing.axes import check_axes
from interp.errors import DataError

SIZES = N, LAYERS, ROLES = 5, 3, 2
SHAPES = {
    "valid": (N, ROLES),
    "index": (N, ROLES),
    "sites['z']": (N, LAYERS, ROLES, 7),
    "attention['entropy']": (N, LAYERS, 4, ROLES),
    "embed": (N, ROLES, 7),
}
FREE = {"sites['z']": 3, "attention['entropy']": 2, "embed": 2}
"""The axis that no label names: any width, any number of heads."""


def check(shapes: dict[str, tuple[int, ...]], make=torch.zeros) -> None:
    arrays = {name: make(shape) for name, shape in shapes.items()}
    check_axes(
        {"z": arrays["sites['z']"]},
        arrays.get("embed"),
        {"entropy": arrays["attention['entropy']"]},
        arrays["valid"],
        arrays["index"],
        SIZES,
    )


def test_arrays_that_fit_pass_whatever_holds_them():
    check(SHAPES)
    check(SHAPES, np.zeros)
    check({name: shape for name, shape in SHAPES.items() if name != "embed"})
    check(
        {
            name: (*shape[: FREE[name]], 9, *shape[FREE[name] + 1 :]) if name in FREE else shape
            for name, shape in SHAPES.items()
        }
    )


@pytest.mark.parametrize(
    ("name", "axis"),
    [(name, axis) for name, shape in SHAPES.items() for axis in range(len(shape)) if FREE.get(name) != axis],
)
def test_an_axis_of_another_length_is_named(name, axis):
    shape = list(SHAPES[name])
    shape[axis] += 1
    form = ", ".join("any" if FREE.get(name) == i else str(size) for i, size in enumerate(SHAPES[name]))
    with pytest.raises(DataError) as error:
        check(SHAPES | {name: tuple(shape)})
    assert str(error.value) == f"capture: {name}: expected an array of shape ({form}), got Tensor of shape {(*shape,)}"


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("cut", [slice(1), slice(-1)])
def test_an_axis_too_few_is_named(name, cut):
    with pytest.raises(DataError, match=r"capture: .*expected an array of shape"):
        check(SHAPES | {name: SHAPES[name][cut]})


def test_what_has_no_shape_and_no_names_is_an_error(as_users_run_it):
    whole = torch.zeros(N, ROLES)
    with pytest.raises(DataError, match=r"valid: expected an array of shape \(5, 2\), got \[\[True"):
        check_axes({}, None, {}, [[True] * ROLES] * N, whole, SIZES)
    with pytest.raises(DataError, match="sites: expected .*{site: array"):
        check_axes([whole], None, {}, whole, whole, SIZES)
