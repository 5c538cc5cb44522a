"""The options that say on how many machines a run works, and where its activations are kept."""

import argparse
from typing import Any


def add_machines(parser: argparse.ArgumentParser) -> None:
    """`--engine` and `--address`."""
    parser.add_argument(
        "--engine",
        choices=["local", "ray"],
        default="local",
        help="local (default): this process; ray: the workers of a Ray cluster, to the same bytes (extra `ray`)",
    )
    parser.add_argument(
        "--address",
        metavar="HOST:PORT",
        help="of the Ray cluster (default: RAY_ADDRESS, one that runs here, else a new one of this machine alone)",
    )


def add_array_and_store(run: argparse.ArgumentParser) -> None:
    """`--shard` and `--activations`."""
    run.add_argument(
        "--shard",
        metavar="i/N",
        help="be task i of N, as a Slurm array starts them on the same --out: first each makes its share of the "
        "answers, after `interp gather` its share of the activations (docs/howto/many-machines.md)",
    )
    run.add_argument(
        "--activations",
        type=store_url,
        metavar="URL",
        help="keep the activations in an object store (s3://bucket/folder, gs://, az://, abfs://, hdfs://), not in the "
        "run folder",
    )


def machine_options(args: argparse.Namespace) -> dict[str, Any]:
    """The options of both, as `interp.run` and `interp.plan` take them."""
    return {name: getattr(args, name) for name in ("engine", "address", "shard", "activations")}


def store_url(url: str) -> str:
    """The URL of a store that is there when the command has ended."""
    if url.strip().casefold().startswith("memory:"):
        raise argparse.ArgumentTypeError(
            "memory:// is gone when the command ends; give the URL of a store that stays, as s3://bucket/folder"
        )
    return url
