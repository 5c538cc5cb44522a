"""Vega-Lite for a page without a network: packed, and unpacked by the page under a policy that names its hash.

Measured with Chromium on a page of 120 cells, see docs/page.md: the library is 0.9 MB of script, 0.41 MB as gzip in
base64. It comes out of vl-convert-python, which carries it for the figures of Altair.
"""

from base64 import b64encode
from dataclasses import dataclass
from functools import cache
from gzip import compress
from hashlib import sha256


@dataclass(frozen=True)
class Bundle:
    """A script as a page holds it."""

    packed: str
    """gzip in base64."""
    policy: str
    """What the page's policy calls it: the hash of the script as it runs."""


@cache
def vega_script() -> str:
    """`window.vegaEmbed`, with Vega's interpreter of expressions: no text is ever evaluated."""
    from vl_convert import javascript_bundle

    # In a function: the library's own names are thousands, and would replace the page's.
    return f"(() => {{{javascript_bundle('window.vegaEmbed = vegaEmbed;')}\n}})();"


@cache
def vega_bundle() -> Bundle:
    """The same, packed."""
    script = vega_script()
    return Bundle(pack(script), script_hash(script))


def pack(text: str) -> str:
    """Text as gzip in base64; the same text gives the same."""
    return b64encode(compress(text.encode("utf-8"), 9, mtime=0)).decode("ascii")


def script_hash(script: str) -> str:
    """A script's name in a Content-Security-Policy."""
    return f"'sha256-{b64encode(sha256(script.encode('utf-8')).digest()).decode('ascii')}'"
