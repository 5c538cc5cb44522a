"""Which backend a model is of."""

from interp.errors import ModelError
from interp.models.backends.backend import Backend
from interp.models.backends.bridge import TransformerBridge
from interp.models.backends.hook_points import is_instance
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


def is_remote(model: object) -> bool:
    """Whether this is a bridge to a model that runs elsewhere."""
    return is_instance(model, "RemoteBridge")


def refuse_remote(model: object) -> None:
    """Raise ModelError for a bridge to vLLM or Inspect, whose hooks only look at copies of what ran elsewhere."""
    if is_remote(model):
        raise ModelError(
            "a RemoteBridge runs its model elsewhere (vLLM, Inspect): hooks there cannot change a pass, and "
            "there are no attention patterns. Its states can be used: _, cache = bridge.run_with_cache(token_ids), "
            "then interp.capture_from_cache(cache, positions) for every sample, and interp.Capture.concat"
        )


def backend_of(model: object) -> Backend:
    """The backend of a model. Raises ModelError for anything that is no hooked model."""
    for kind in _KINDS:
        if kind.takes(model):
            return kind(model)
    refuse_remote(model)
    raise ModelError(
        f"expected a HookedTransformer or TransformerBridge, got {type(model).__name__}: pass it to interp.load_model"
    )
