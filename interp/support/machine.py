"""What this process may use of its machine: the memory and the processors that its container leaves it."""

import math
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import psutil
from joblib import cpu_count

PROC = Path("/proc/self")
"""Where Linux says of a process which control groups it is in, and where their files are mounted."""


def usable_memory() -> int:
    """Bytes that this process may fill: the machine's, or less where a control group (v1 or v2) around it says so."""
    return min([int(psutil.virtual_memory().total), *memory_limits(PROC)])


def usable_cpus() -> int:
    """Processors that this process may keep busy: by affinity, joblib's own limit and the quotas of its groups."""
    return max(1, min([cpu_count(), *map(math.ceil, cpu_quotas(PROC))]))


def memory_limits(proc: Path) -> list[int]:
    """Every limit in bytes on the way from the process's group up to the root, and none for "max"."""
    names = ("memory.max", "memory.high", "memory.limit_in_bytes")
    found = [_number(group / name) for group in _groups(proc, "memory") for name in names]
    return [int(limit) for limit in found if limit is not None]


def cpu_quotas(proc: Path) -> list[float]:
    """Every quota of processor time on that way, as a number of processors."""
    quotas = []
    for group in _groups(proc, "cpu"):
        quota, period = _number(group / "cpu.cfs_quota_us"), _number(group / "cpu.cfs_period_us")  # v1; -1: none
        if quota is None:
            quota, period = _number(group / "cpu.max"), _number(group / "cpu.max", 1)  # v2: "quota period"
        if quota is not None and quota > 0 and period:
            quotas.append(quota / period)
    return quotas


def _groups(proc: Path, controller: str) -> Iterator[Path]:
    """Folders of the groups that hold the process, from its own up to the highest that is mounted, of v1 and v2.

    `cgroup` names the group in each hierarchy, `mountinfo` where a hierarchy is mounted and which group is seen there
    as its root: in a container that is often the container's own.
    """
    own: dict[str, str] = {}
    for line in _lines(proc / "cgroup"):
        _, controllers, path = line.split(":", 2)
        own |= dict.fromkeys(controllers.split(","), path)  # v2 names no controller
    for line in _lines(proc / "mountinfo"):
        mount, _, kind = line.partition(" - ")
        root, top = mount.split()[3:5]
        system, _, options = kind.split(" ", 2)
        name = {"cgroup2": "", "cgroup": controller}.get(system)
        if name not in own or (name and name not in options.split(",")):
            continue
        group = PurePosixPath(own[name])
        inside = group.relative_to(root) if group.is_relative_to(root) and ".." not in group.parts else PurePosixPath()
        yield from (Path(top, part) for part in (inside, *inside.parents))


def _number(file: Path, place: int = 0) -> int | None:
    """One of the numbers that a file holds; None where it holds none ("max"), or there is no file."""
    try:
        return int(" ".join(_lines(file)).split()[place])
    except (IndexError, ValueError):
        return None


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
