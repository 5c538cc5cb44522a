"""A Capture in a notebook: axes, types and sizes of its arrays, none of which is read."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from read_html import HOSTILE, read

from interp.capturing.capture_html import capture_html
from interp.capturing.on_disk import OnDisk
from interp.demo import planted


def test_the_sizes_are_those_of_the_arrays() -> None:
    cap, _ = planted(5000)
    cap = replace(cap, sites={"resid_post": cap.resid.bfloat16(), "z": cap.resid}, settings={"batch_tokens": 64})
    found = read(cap)
    axes = "sample × layer × role × width"
    assert found.sections["Sites"].rows[1:] == [
        ["resid_post", axes, "5000 × 3 × 6 × 8", "bfloat16", "1.44 MB", "cpu"],
        ["z", axes, "5000 × 3 × 6 × 8", "float32", "2.88 MB", "cpu"],
    ]
    assert [row[0] for row in found.sections["Attention metrics"].rows[1:]] == list(cap.attention)
    assert found.sections["Embeddings"].rows[1][:3] == ["embed", "sample × role × width", "5000 × 6 × 8"]
    assert found.sections["Roles"].rows[1:] == [[role, "5000", "100.0%"] for role in cap.roles]
    assert found.sections["Settings"].rows == [["batch_tokens", "64"]]
    arrays = [*cap.sites.values(), *cap.attention.values(), cap.embed]
    total = sum(values.numel() * values.element_size() for values in arrays)
    assert found.line == ["Capture", "5000 samples", "3 layers", "6 roles", f"{total / 1e6:.3g} MB"]


class Unread(OnDisk):
    """An array that nobody may look into."""

    def __init__(self, values: torch.Tensor) -> None:
        self.shape, self.dtype = tuple(values.shape), values.dtype

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key):
        raise AssertionError("read")

    __array__ = __getitem__


def test_what_is_on_the_disk_stays_there() -> None:
    cap, _ = planted()
    unread = replace(
        cap,
        sites={"resid_post": Unread(cap.resid)},
        embed=Unread(cap.embed),
        attention={name: Unread(values) for name, values in cap.attention.items()},
    )
    found = read(unread)
    assert unread._repr_html_() == capture_html(unread)
    assert found.sections["Sites"].rows[1][3:] == ["float32", "57.6 kB", "on disk"]
    assert all(row[-1] == "on disk" for row in found.sections["Attention metrics"].rows[1:])


def test_no_metric_and_no_embedding() -> None:
    cap, _ = planted()
    found = read(replace(cap, attention={}, embed=None))
    assert found.sections["Attention metrics"].note == "none" and "Embeddings" not in found.sections


@pytest.mark.parametrize("text", [text for text in HOSTILE if "\ud800" not in text])
def test_hostile_names_do_nothing(text) -> None:
    cap, _ = planted()
    named = replace(cap, roles=(text, *cap.roles[1:]), settings={text: SimpleNamespace(a=text), "b": text})
    assert len(read(named).sections["Roles"].rows) == 7


def test_the_line_of_a_terminal_is_as_it_was() -> None:
    assert repr(planted()[0]) == (
        "Capture(100 samples, 3 layers, 6 roles; sites: resid_post; attention metrics: entropy, to_self)"
    )
