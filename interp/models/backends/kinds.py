"""Which backend a model is of."""

from interp.errors import ModelError
from interp.models.backends.backend import Backend
from interp.models.backends.bridge import TransformerBridge
from interp.models.backends.hooked_transformer import HookedTransformer

_KINDS: list[type[Backend]] = [HookedTransformer, TransformerBridge]


def register(kind: type[Backend]) -> None:
    """Let models of another library be taken wherever a hooked model is; the newest kind is asked first."""
    if kind not in _KINDS:
        _KINDS.insert(0, kind)


def is_hooked(model: object) -> bool:
    """Whether some backend takes the model."""
    return any(kind.takes(model) for kind in _KINDS)


def is_kind(name: object) -> bool:
    """Whether this is what a class of hooked models is called."""
    return any(kind.name == name for kind in _KINDS)


def backend_of(model: object) -> Backend:
    """The backend of a model. Raises ModelError for anything that is no hooked model."""
    for kind in _KINDS:
        if kind.takes(model):
            return kind(model)
    raise ModelError(
        f"expected a HookedTransformer or TransformerBridge, got {type(model).__name__}: pass it to interp.load_model"
    )
