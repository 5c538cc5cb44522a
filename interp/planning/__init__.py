"""What a run would take, before it is paid for: disk, memory, time, rows left out; and whether it can begin."""
