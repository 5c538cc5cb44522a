"""`interp cache`: converted models that are kept on this machine."""

import argparse
from typing import Any

from interp.command.output import tell
from interp.command.parser import Parser


def add_cache(parser: Parser, commands: Any) -> None:
    """Add it to the group of subparsers."""
    cache = parser.add_command(
        commands,
        "cache",
        summary="converted models that are kept on this machine, and removing them",
        description="A GGUF file is converted once and the result kept in $INTERP_CACHE, or in the folder for caches "
        "of this system's user. Lists what is there; with --remove, removes it: the next run converts anew.",
        example="interp cache --remove gemma3-270m-0123456789abcdef-2",
        command=_cache,
    )
    cache.add_argument("--remove", nargs="+", metavar="NAME", default=(), help="folders to remove, as they are listed")


def _cache(args: argparse.Namespace) -> None:
    from interp.models.cached import cached_models, remove_cached
    from interp.models.gguf import cache_folder
    from interp.reporting.cache_words import cache_lines, removed_line

    if args.remove:
        tell(removed_line(len(set(args.remove)), remove_cached(args.remove)))
    else:
        tell("\n".join(cache_lines(cached_models(), cache_folder() / "gguf")))
