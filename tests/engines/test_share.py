"""One task of an array: which units are its own, and that nothing goes on after them."""

from dataclasses import dataclass

import pytest

from interp.engines.all_made import AllMade, Missing
from interp.engines.share import Share
from interp.engines.share_engine import ShareDone, ShareEngine
from interp.engines.units import Local, Worker
from interp.errors import DataError
from interp.models.memory import Splits


@dataclass(frozen=True)
class Number:
    number: int
    name: str = "a number"
    batches: tuple[str, ...] = ()
    samples: int = 3

    def __call__(self, worker: Worker) -> int:
        worker.advance(self.samples)
        return worker.once("tens", lambda: 10) * self.number


def test_every_unit_is_in_one_share_and_shares_are_of_a_size() -> None:
    for of in (1, 3, 8):
        held = [[n for n in range(20) if Share(part, of).holds(n)] for part in range(1, of + 1)]
        assert sorted(n for share in held for n in share) == list(range(20))
        assert max(map(len, held)) - min(map(len, held)) <= 1


def test_a_share_makes_its_own_units_and_stops_the_step() -> None:
    engine, made, done = ShareEngine(Share.read("2/3"), Local(None)), [], []
    with pytest.raises(ShareDone):
        for unit, result in engine.make(map(Number, range(7)), Splits(), done.append):
            made.append((unit.number, result))
    assert made == [(1, 10), (4, 40)] and done == [3, 3] and not engine.distant
    assert [number for number in range(7) if engine.makes(number)] == [1, 4]


@pytest.mark.parametrize("text", ["0/8", "9/8", "2", "2/8/1", "-1/8", "", "a/b", None, 2, "1/9999999"])
def test_what_is_no_share_is_refused(text) -> None:
    with pytest.raises(DataError, match="shard: expected i/N with i from 1 to N"):
        Share.read(text)
    assert str(Share.read(" 2/8 ")) == "2/8"


def test_what_is_not_made_is_told() -> None:
    with pytest.raises(Missing) as missing:
        list(AllMade().make([Number(4), Number(2)], Splits()))
    assert missing.value.numbers == [4, 2] and missing.value.samples == 6
    assert list(AllMade().make([], Splits())) == []


def test_what_is_made_once_is_kept_until_another_is_asked_for() -> None:
    worker, made = Worker(None), []
    for key in ("a", "a", "b", "b", "a"):
        worker.once(key, lambda key=key: made.append(key))
    assert made == ["a", "b", "a"]
