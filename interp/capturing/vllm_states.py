"""Hidden states that vLLM extracted: one safetensors file per request, `hidden_states` beside `token_ids`.

The format is that of vLLM's `extract_hidden_states` with `ExampleHiddenStatesConnector`
(https://docs.vllm.ai/en/latest/features/speculative_decoding/extract_hidden_states/): `hidden_states` [token, layer,
width] of the layers that `eagle_aux_hidden_state_layer_ids` names, `token_ids` [token]; those numbers are not kept.
vLLM's layer i is what *enters* block i, so it stands after block i − 1; the last is not normed.
"""

from collections.abc import Sequence
from pathlib import Path

from safetensors import SafetensorError, safe_open

from interp.capturing.hidden_states import HiddenStates
from interp.errors import DataError

KEYS = {"hidden_states", "token_ids"}


def read_vllm(files: Sequence[Path]) -> HiddenStates:
    """The states of every file, in the order given. Raises DataError for a file of another form."""
    found = HiddenStates([], [])
    for file in files:
        try:
            with safe_open(file, "pt") as tensors:
                if KEYS - {*tensors.keys()}:
                    raise DataError(
                        f"{file}: expected `hidden_states` and `token_ids`, as vLLM's connector writes them, got "
                        f"{', '.join(sorted(tensors.keys())) or 'nothing'}; give arrays of your own to "
                        "interp.capture_from_hidden_states"
                    )
                states, ids = tensors.get_tensor("hidden_states"), tensors.get_tensor("token_ids")
        except (OSError, SafetensorError) as error:
            raise DataError(f"{file}: cannot be read as safetensors: {error}") from error
        if states.ndim != 3 or ids.ndim != 1 or len(states) != len(ids) or not states.is_floating_point():
            raise DataError(
                f"{file}: expected hidden_states `token layer width` and as many token_ids, got {(*states.shape,)} and "
                f"{(*ids.shape,)}"
            )
        if found.states and (states.shape[1:] != (found.n_states, found.states[0][0].shape[-1])):
            raise DataError(
                f"{file}: holds {(*states.shape[1:],)} layers and width, other files others; give one run's"
            )
        found.tokens.append(tuple(ids.tolist()))
        found.states.append([*states.unbind(1)])
    return found
