"""Whether probes of one run can score the other's vectors at all: the same model, site, width, roles, some layers."""

from collections.abc import Sequence
from typing import Any

from interp.capturing.activations import captured_site
from interp.errors import DataError
from interp.experiments.transferring.run_samples import Opened
from interp.support.axes import some


def check_alike(runs: Sequence[Opened], *, across_models: bool) -> None:
    """Raise DataError for runs of different models (unless `across_models`), sites, widths or roles."""
    first = runs[0]
    for other in runs[1:]:
        pair = f"runs: {first.name} and {other.name}"
        if first.model and other.model and first.model != other.model and not across_models:
            raise DataError(
                f"{pair} are of different models (weights {first.model[:12]} and {other.model[:12]}); their "
                "directions mean different things: give runs of one model, or ask for it with across_models=True "
                "(on the command line: --across-models)"
            )
        if first.site != other.site:
            raise DataError(
                f"{pair} are probed at different sites ({first.site} and {other.site}); choose one that all have: "
                "site= (on the command line: --site)"
            )
        widths = [one.capture.sites[captured_site(one.capture, one.site)].shape[-1] for one in (first, other)]
        if widths[0] != widths[1]:
            raise DataError(f"{pair} have vectors of different width ({widths[0]} and {widths[1]}) at {first.site}")


def shared_axes(
    runs: Sequence[Opened], layers: Sequence[int] | None, roles: Sequence[str] | None
) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """The layers that all runs have, and their roles. Raises DataError for roles that differ, or no common layer.

    `layers` and `roles`, where given, are taken as they are: a run that lacks one says so.
    """
    first = runs[0]
    for other in runs[1:]:
        if roles is None and set(other.capture.roles) != set(first.capture.roles):
            raise DataError(
                f"runs: {first.name} and {other.name} have other roles ({some(first.capture.roles)} against "
                f"{some(other.capture.roles)}); choose some that all have: roles= (on the command line: --roles)"
            )
    common = [layer for layer in first.capture.layers if all(layer in one.capture.layers for one in runs)]
    if layers is None and not common:
        each = "; ".join(f"{one.name}: {some(one.capture.layers)}" for one in runs)
        raise DataError(f"runs: they share no layer ({each}); give runs that captured the same layers")
    return tuple(common if layers is None else layers), tuple(first.capture.roles if roles is None else roles)


def own_option(runs: Sequence[Opened], name: str, given: Any, default: Any) -> Any:
    """What was asked for, else what all runs were made with. Raises DataError where they differ."""
    if given is not None:
        return given
    found = [(one.name, one.settings.get(name, default)) for one in runs]
    if other := next((one for one in found if one[1] != found[0][1]), None):
        raise DataError(
            f"runs: {found[0][0]} was made with {name} {found[0][1]!r}, {other[0]} with {other[1]!r}; say which to use "
            f"for all: {name}="
        )
    return found[0][1]
