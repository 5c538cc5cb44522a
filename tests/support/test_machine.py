"""What a process may use of its machine, from copies of the files in which Linux says so."""

from pathlib import Path

import pytest

import interp.fitting.workers
import interp.support.machine
from interp.support.machine import cpu_quotas, memory_limits, usable_cpus, usable_memory

GB = 1 << 30
HUGE = 9223372036854771712
"""What v1 says where there is no limit."""


@pytest.fixture
def proc(tmp_path):
    """`proc(groups, mounts, files)`: /proc/self of a process in these groups; a mount is (root, place, kind, options)."""

    def make(groups: list[str], mounts: list[tuple[str, str, str, str]], files: dict[str, object]) -> Path:
        for name, content in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(f"{content}\n")
        lines = [
            f"3{i} 31 0:3{i} {root} {tmp_path / place} rw,relatime shared:{i} - {kind} {kind} {options}"
            for i, (root, place, kind, options) in enumerate(mounts)
        ]
        (tmp_path / "cgroup").write_text("\n".join(groups) + "\n")
        (tmp_path / "mountinfo").write_text("\n".join(["22 1 8:1 / / rw - ext4 /dev/sda rw", *lines]) + "\n")
        return tmp_path

    return make


V2 = [("/", "fs", "cgroup2", "rw")]


def test_v2_the_smallest_on_the_way_up_counts(proc) -> None:
    files = {
        "fs/a/memory.max": 6 * GB,
        "fs/a/b/memory.max": 8 * GB,
        "fs/a/b/c/memory.max": "max",
        "fs/a/b/c/memory.high": "max",
        "fs/other/memory.max": GB,  # nobody of ours
        "fs/a/cpu.max": "250000 100000",
        "fs/a/b/cpu.max": "max 100000",
    }
    made = proc(["0::/a/b/c"], V2, files)
    assert sorted(memory_limits(made)) == [6 * GB, 8 * GB]
    assert cpu_quotas(made) == [2.5]


def test_v2_memory_high_holds_a_process_back_as_well(proc) -> None:
    made = proc(["0::/a"], V2, {"fs/a/memory.max": 6 * GB, "fs/a/memory.high": 5 * GB})
    assert min(memory_limits(made)) == 5 * GB


def test_v2_in_a_container_its_own_group_is_the_root_that_it_sees(proc) -> None:
    files = {"fs/memory.max": 2 * GB, "fs/cpu.max": "150000 100000"}
    assert memory_limits(proc(["0::/"], V2, files)) == [2 * GB]
    outside = proc(["0::/../sibling"], V2, files)  # moved out of its namespace: what can be seen is the root
    assert (memory_limits(outside), cpu_quotas(outside)) == ([2 * GB], [1.5])


V1 = [
    ("/", "memory", "cgroup", "rw,memory"),
    ("/", "cpu,cpuacct", "cgroup", "rw,cpu,cpuacct"),
    ("/", "systemd", "cgroup", "rw,name=systemd"),
    ("/", "unified", "cgroup2", "rw"),
]


def test_v1_beside_an_empty_v2(proc) -> None:
    files = {
        "memory/memory.limit_in_bytes": HUGE,
        "memory/jobs/memory.limit_in_bytes": 3 * GB,
        "memory/jobs/ours/memory.limit_in_bytes": 4 * GB,
        "cpu,cpuacct/jobs/cpu.cfs_quota_us": 100000,
        "cpu,cpuacct/jobs/cpu.cfs_period_us": 50000,
        "cpu,cpuacct/cpu.cfs_quota_us": -1,
        "cpu,cpuacct/cpu.cfs_period_us": 100000,
    }
    groups = ["9:name=systemd:/", "4:memory:/jobs/ours", "3:cpu,cpuacct:/jobs", "0::/"]
    made = proc(groups, V1, files)
    assert min(memory_limits(made)) == 3 * GB
    assert cpu_quotas(made) == [2.0]


def test_v1_in_a_container_whose_group_has_the_name_it_has_outside(proc) -> None:
    mounts = [("/docker/f00", "memory", "cgroup", "rw,memory")]
    files = {"memory/memory.limit_in_bytes": 2 * GB, "memory/sub/memory.limit_in_bytes": GB}
    assert memory_limits(proc(["4:memory:/docker/f00"], mounts, files)) == [2 * GB]
    assert sorted(memory_limits(proc(["4:memory:/docker/f00/sub"], mounts, files))) == [GB, 2 * GB]


def test_unlimited_is_no_limit(proc, monkeypatch) -> None:
    made = proc(["0::/a"], V2, {"fs/a/memory.max": "max", "fs/a/cpu.max": "max 100000"})
    assert (memory_limits(made), cpu_quotas(made)) == ([], [])
    monkeypatch.setattr(interp.support.machine, "PROC", made)
    monkeypatch.setattr(interp.support.machine, "cpu_count", lambda: 7)
    physical = usable_memory()
    assert usable_cpus() == 7 and physical > 1 << 28
    nowhere = made / "nowhere"  # no Linux
    monkeypatch.setattr(interp.support.machine, "PROC", nowhere)
    assert usable_memory() == physical
    monkeypatch.setattr(
        interp.support.machine, "PROC", proc(["4:memory:/"], V1, {"memory/memory.limit_in_bytes": HUGE})
    )
    assert usable_memory() == physical


def test_workers_fit_into_the_container_not_the_host(proc, monkeypatch) -> None:
    files = {"fs/job/memory.max": GB, "fs/job/cpu.max": "300000 100000"}
    monkeypatch.setattr("interp.support.machine.PROC", proc(["0::/job"], V2, files))
    monkeypatch.setattr("interp.support.machine.cpu_count", lambda: 64)
    assert (usable_memory(), usable_cpus()) == (GB, 3)
    count = interp.fitting.workers.worker_count
    # Four float64 copies of a cell each, in half of the memory.
    assert [count(n) for n in (0, GB // 2 // 32 // 3, GB // 2 // 32 // 2, GB // 2 // 32, GB)] == [3, 3, 2, 1, 1]
