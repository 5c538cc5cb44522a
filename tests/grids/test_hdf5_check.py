"""An HDF5 file is read if it is whole in itself and no larger in memory than its bytes can be."""

import h5py
import numpy as np
import pytest

from interp.grids.hdf5_check import ANYWAY, check_hdf5


def made(tmp_path, act):
    with h5py.File(tmp_path / "a.nc", "w") as file:
        file.create_dataset("x", data=np.arange(5.0))
        act(file)
    return tmp_path / "a.nc"


def test_arrays_and_groups(tmp_path) -> None:
    check_hdf5(made(tmp_path, lambda file: file.create_group("a/b").create_dataset("y", data=["text", "more"])))


@pytest.mark.parametrize("rows", [ANYWAY // 8 - 5, ANYWAY // 8 - 4])
def test_memory_that_is_allowed_anyway(tmp_path, rows) -> None:
    path = made(tmp_path, lambda file: file.create_dataset("y", (rows,), "f8", chunks=(1024,)))
    if rows == ANYWAY // 8 - 5:
        check_hdf5(path)
    else:
        with pytest.raises(ValueError, match="take more than 268435456 bytes; it has"):
            check_hdf5(path)


@pytest.mark.parametrize("link", [h5py.SoftLink("/x"), h5py.ExternalLink("b.nc", "/x")])
def test_links(tmp_path, link) -> None:
    with pytest.raises(ValueError, match="y is a link, which is not followed"):
        check_hdf5(made(tmp_path, lambda file: file.__setitem__("y", link)))


def test_groups_inside_groups(tmp_path) -> None:
    with pytest.raises(ValueError, match="nested too deeply"):
        check_hdf5(made(tmp_path, lambda file: file.create_group("/".join("abcdefghijk"))))
    with pytest.raises(ValueError, match="nested too deeply"):
        check_hdf5(made(tmp_path, lambda file: file.__setitem__("round", file["/"])))


def test_what_is_no_hdf5(tmp_path) -> None:
    (tmp_path / "a.nc").write_bytes(b"no")
    with pytest.raises(OSError):
        check_hdf5(tmp_path / "a.nc")
