"""Whether the arrays of a Capture have the axes that its labels name."""

from collections.abc import Mapping
from typing import Any

from interp.errors import DataError
from interp.support.arguments import mapping
from interp.support.messages import shown


def check_axes(
    sites: Mapping[str, Any], embed: Any, attention: Mapping[str, Any], valid: Any, index: Any, sizes: tuple[int, ...]
) -> None:
    """Raise DataError for an array that has not as many samples, layers and roles (`sizes`) as there are labels."""
    n, n_layers, n_roles = sizes
    mapping("sites", sites, "{site: array `sample layer role width`}")
    mapping("attention", attention, "{metric: array `sample layer head role`}")
    arrays = {
        "valid": (valid, (n, n_roles)),
        "index": (index, (n, n_roles)),
        **{f"sites[{name!r}]": (array, (n, n_layers, n_roles, None)) for name, array in sites.items()},
        **{f"attention[{name!r}]": (array, (n, n_layers, None, n_roles)) for name, array in attention.items()},
        **({} if embed is None else {"embed": (embed, (n, n_roles, None))}),
    }
    for name, (array, wanted) in arrays.items():
        shape = getattr(array, "shape", ())
        if len(shape) != len(wanted) or any(w not in (None, size) for w, size in zip(wanted, shape, strict=True)):
            form = ", ".join("any" if size is None else str(size) for size in wanted)
            raise DataError(f"capture: {name}: expected an array of shape ({form}), got {shown(array)}")
