"""Calls of public functions: what does not fit ends in a sentence, what fits is passed on."""

import inspect
import pickle  # noqa: TID251  (of our own objects: that they can be sent to another process)
from dataclasses import dataclass

import pytest

import interp
from interp.support.public import public


@public
def area(breadth: float, height: float = 1.0, *, unit: str = "m") -> str:
    """Width times height."""
    return f"{breadth * height} {unit}²"


@public
def forwarded(breadth: float, **options: float) -> dict[str, float]:
    return options


@public
@dataclass(frozen=True)
class Box:
    breadth: float

    def grown(self, factor: float) -> "Box":
        return Box(self.breadth * factor)

    @classmethod
    def of(cls, text: str) -> "Box":
        return cls(float(text))

    @staticmethod
    def unit(name: str) -> str:
        return name


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: area(1, heigth=2), "area: there is no option 'heigth'; did you mean 'height'?"),
        (lambda: area(1, colour="red"), "area: there is no option 'colour'; there are breadth, height, unit"),
        (lambda: area(), "area: missing a required argument: 'breadth'; by position it takes breadth, height"),
        (lambda: area(1, 2, "m"), "area: too many positional arguments; by position it takes breadth, height"),
        (lambda: area(1, breadth=1), "area: multiple values for argument 'breadth'; by position it takes breadth, height"),
        (lambda: Box(braedth=1), "Box: there is no option 'braedth'; did you mean 'breadth'?"),
        (lambda: Box(1).grown(fctor=2), "Box.grown: there is no option 'fctor'; did you mean 'factor'?"),
        (lambda: Box(1).grown(), "Box.grown: missing a required argument: 'factor'; by position it takes factor"),
        (lambda: Box.of(txt="1"), "Box.of: there is no option 'txt'; did you mean 'text'?"),
        (lambda: Box.unit(nme="1"), "Box.unit: there is no option 'nme'; did you mean 'name'?"),
        (lambda: forwarded(colour=1), "forwarded: missing a required argument: 'breadth'; by position it takes breadth"),
    ],
)  # fmt: skip
def test_a_call_that_does_not_fit(call, message):
    with pytest.raises(interp.DataError) as refused:
        call()
    assert str(refused.value) == message


def test_what_fits_is_passed_on():
    assert area(2, 3, unit="km") == "6 km²"
    assert forwarded(1, anything=2) == {"anything": 2}
    assert Box(2).grown(factor=2) == Box(4) == Box.of("4")
    assert Box.unit("m") == "m"


def test_a_fault_inside_is_not_taken_for_a_wrong_call():
    with pytest.raises(TypeError, match="can't multiply|unsupported"):
        area("a", "b")


def test_help_and_pickle_see_the_function_itself():
    assert str(inspect.signature(area)) == "(breadth: float, height: float = 1.0, *, unit: str = 'm') -> str"
    assert (area.__name__, area.__doc__) == ("area", "Width times height.")
    assert pickle.loads(pickle.dumps(area)) is area  # noqa: S301
    assert pickle.loads(pickle.dumps(Box(1))) == Box(1)  # noqa: S301
