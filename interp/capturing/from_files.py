"""A Capture from activations that another tool left on the disk: vLLM's extracted hidden states, SAELens's caches."""

from collections.abc import Sequence
from pathlib import Path

from interp.capturing.activations import Capture
from interp.capturing.from_hidden_states import capture_states, names_of
from interp.capturing.sae_lens_states import STATE, read_sae_lens
from interp.capturing.vllm_states import read_vllm
from interp.data.pickled import ENDINGS
from interp.errors import DataError
from interp.support.accepted import Ids, PositionSource, StateFiles
from interp.support.arguments import path as path_of
from interp.support.messages import shown
from interp.support.public import public


@public
def capture_from_files(
    source: StateFiles, positions: PositionSource, *, layers: Sequence[int | str] | None = None, ids: Ids | None = None
) -> Capture:
    """A Capture of activations that another tool wrote; `positions` as in `capture_from_hidden_states`.

    `source`: the folder (or the files) that vLLM's `extract_hidden_states` wrote, a safetensors file per request; or a
    folder of SAELens's `CacheActivationsRunner`, several for several layers. vLLM keeps no layer numbers: `layers` are
    the blocks after which the states stand, one less than `eagle_aux_hidden_state_layer_ids` (0 there is `embed`).
    SAELens names its hook point, which is the Capture's site. Neither keeps attention, labels or ids of yours: give
    Answers, which are found by their tokens; SAELens's later texts in a context have seen the ones before them, and
    only what begins a context is matched.

    Raises DataError for a file of another form, and for what torch.save wrote, with how to convert it.

    >>> from interp.demo import answered
    >>> from safetensors.torch import save_file
    >>> import torch
    >>> _, answers = answered(1)
    >>> ids = torch.tensor(answers.prompt_ids[0] + answers.completion_ids[0])
    >>> vectors = torch.randn(len(ids), 2, 8)  # token layer width
    >>> save_file({"token_ids": ids, "hidden_states": vectors}, "request.safetensors")  # as vLLM does
    >>> interp.capture_from_files("request.safetensors", answers, layers=[3, 7]).resid.shape
    torch.Size([1, 2, 15, 8])
    """
    files = [source] if isinstance(source, str | Path) or not isinstance(source, list | tuple) else [*source]
    found = [path_of("source", one) for one in files]
    if not found:
        raise DataError("source: expected a folder, a file, or several, got none")
    for path in found:
        _refuse(path)
    if all(path.is_dir() and (path / STATE).is_file() for path in found):
        if layers is not None:
            raise DataError("layers: SAELens's cache names its own hook point; leave out `layers`")
        given, names, site = read_sae_lens(found)
        return capture_states(given, positions, names, site, source="SAELens", ids=ids, not_kept=_NOT_KEPT)
    requests = [file for path in found for file in (sorted(path.glob("*.safetensors")) if path.is_dir() else [path])]
    if not requests:
        for file in sorted(found[0].iterdir()):
            _refuse(file)
        raise DataError(f"{found[0]}: holds neither vLLM's safetensors files nor a cache of SAELens ({STATE})")
    read = read_vllm(requests)
    if layers is None:
        raise DataError(
            f"layers: vLLM's files do not say which {read.n_states} layers they hold; give the blocks after which they "
            "stand: layers=[i - 1 for i in eagle_aux_hidden_state_layer_ids] (0 there is 'embed')"
        )
    names, _ = names_of(read.n_states, layers, "resid_post", False)
    return capture_states(read, positions, names, "resid_post", source="vLLM", ids=ids, not_kept=_NOT_KEPT)


_NOT_KEPT = ("attention: the files hold none",)


def _refuse(path: Path) -> None:
    """Raise DataError for a file that would have to be unpickled or unpacked."""
    if not path.exists():
        raise DataError(f"source: {shown(str(path))} does not exist; give the folder that vLLM or SAELens wrote")
    if path.suffix.lower() in (*ENDINGS, ".bin"):
        raise DataError(
            f"{path}: what torch.save wrote (as LLMsKnow does) can run code when it is opened, so that interp reads "
            "none; open it where it was made, with torch.load(path, weights_only=True), and give the tensors to "
            "interp.capture_from_hidden_states, or save them with safetensors"
        )
    if path.suffix == ".zst":
        raise DataError(f"{path}: is packed; unpack it with `zstd -d {path.name}` and give the .safetensors file")
