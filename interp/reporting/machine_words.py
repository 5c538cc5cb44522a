"""Sentences about the machines that a run works on: workers that are not used, shares made and what comes next."""

from collections.abc import Sequence
from pathlib import Path


def refused_worker(why: str) -> str:
    """A worker of a cluster that would not do as the run's own process does."""
    return f"A worker of the Ray cluster is not used: {why}."


def share_made(share: str, what: str, out: Path) -> str:
    """One task of an array is through with its part of a step; `what`: answers or activations."""
    return f"Share {share} of the {what} is made; when all are, join them with `interp gather {out}`."


def task_again(share: str, gather: str) -> str:
    """How to go on with the folder of one task of an array; `gather`: the command that joins them."""
    return f"the same task's command (--shard {share}), unless it is at work; then, when all shares are made: {gather}"


def tasks_again(gather: str, alone: str) -> str:
    """How to go on with the joined folder of an array; `alone`: the command by which one machine does."""
    return f"the same array, started once more, then: {gather} (or on one machine: {alone})"


def answers_joined(samples: int, out: Path) -> str:
    """All answers are there, labelled and located; the activations are still to be captured."""
    return (
        f"The answers of {samples:,} samples are joined. Their activations come next: start the same array once more "
        f"(each task captures its share), then `interp gather {out}` again; or let one machine do it: `interp resume "
        f"{out}`."
    )


def missing_shares(shares: Sequence[int], of: int) -> str:
    """`shares 3/8 and 5/8`; of many the first ten."""
    named = [f"{share}/{of}" for share in shares[:10]]
    more = f" and {len(shares) - 10} more" if len(shares) > 10 else ""
    if len(shares) == 1:
        return f"share {named[0]}"
    return f"shares {', '.join(named[:-1])}{', ' if more else ' and '}{named[-1]}{more}"
