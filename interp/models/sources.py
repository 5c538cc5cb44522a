"""What a model is read from: a name on the hub, with a revision or without, a local folder, a GGUF file."""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from interp.errors import ModelError
from interp.models.gguf import Conversion, conversion, converted_folder, described_folder, gemma3_file, is_gguf
from interp.models.gguf_shards import whole_stem
from interp.models.missing_weights import check_complete
from interp.models.placement import placement
from interp.models.remote_code import NO_CODE
from interp.support.messages import shown

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


class Place(NamedTuple):
    """Where transformers finds a model."""

    where: str
    """A folder, or a name on the hub."""
    name: str
    """The name to show."""
    local: bool
    revision: str | None = None
    """Branch, tag or commit on the hub; None: its newest."""

    @property
    def options(self) -> dict[str, Any]:
        """What `from_pretrained` is told besides the name."""
        return {"local_files_only": self.local} | ({} if self.revision is None else {"revision": self.revision})


def read_model(
    source: str | Path, tokenizer: Any, device: str | torch.device, dtype: torch.dtype
) -> tuple["PreTrainedModel", "PreTrainedTokenizerBase", str]:
    """The Hugging Face model and tokenizer behind a name or path, and the name to show."""
    place, laid = locate(source, dtype), placement(device)
    with _offline(place.local):
        from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForImageTextToText

        try:
            config: Any = AutoConfig.from_pretrained(place.where, **NO_CODE, **place.options)
            both: Any = (AutoModelForCausalLM, AutoModelForImageTextToText)  # of the latter the language model is taken
            auto = next((auto for auto in both if type(config) in auto._model_mapping), None)
            if auto is None:
                raise ModelError(f"{place.where} is no causal language model (its type is {config.model_type!r})")
            check_not_quantised(config, place)
            read: Any = {"dtype": dtype, "attn_implementation": "eager", "output_loading_info": True}
            hf_model, said = auto.from_pretrained(place.where, **read, **NO_CODE, **place.options, **laid)
            check_complete(hf_model, said, place.where)
        except ModelError:
            raise
        except Exception as error:  # of transformers, safetensors or the network: to the user it is one sentence
            raise _unloadable("language model", place, error) from error
    return hf_model, _tokenizer_at(place) if tokenizer is None else read_tokenizer(tokenizer), place.name


def read_config(source: str | Path) -> tuple[Any, "PreTrainedTokenizerBase"]:
    """Configuration and tokenizer of the model behind a name or path; no weights are read, and none converted.

    Raises ModelError if there are none, or the weights could not be read.
    """
    with _described(source) as place:
        with _offline(place.local):
            from transformers import AutoConfig

            try:
                config = AutoConfig.from_pretrained(place.where, **NO_CODE, **place.options)
            except Exception as error:
                raise _unloadable("configuration", place, error) from error
        check_not_quantised(config, place)
        return config, _tokenizer_at(place)


@contextmanager
def _described(source: str | Path) -> Iterator[Place]:
    """Where transformers finds configuration and tokenizer, for the time of the block."""
    if (file := _gguf_file(source)) is None:
        yield locate(source)
    else:
        with described_folder(file) as folder:
            yield Place(str(folder), whole_stem(file), True)


def conversion_of(source: str | Path, dtype: torch.dtype) -> Conversion | None:
    """What converting the GGUF file behind a name or path will take; None where nothing has to be converted."""
    file = _gguf_file(source)
    return None if file is None else conversion(file, dtype)


def check_not_quantised(config: Any, place: Place) -> None:
    """Raise ModelError for packed weights (GPTQ, AWQ, FP8, bitsandbytes, torchao …), before any is read.

    Reading them takes packages and devices of each method, and of a method that it does not know transformers reads the
    packed numbers as if they were the weights. MXFP4 it unpacks by itself.
    """
    own = getattr(config, "quantization_config", None)
    packed = own if own is not None else getattr(config.get_text_config(), "quantization_config", None)
    if packed is None:
        return
    packed = packed if isinstance(packed, dict) else packed.to_dict()
    method = packed.get("quant_method")
    kind = str(getattr(method, "value", method) or "a method without a name")
    if kind == "mxfp4":
        return
    raise ModelError(
        f"the weights of {place.where!r} are quantised ({kind}, says quantization_config in its config.json), and only "
        "plain ones are read: give the model that it was made from, or a dequantised copy "
        f"({DEQUANTISING.get(kind, 'saved by the package that quantised it')}); a quantised model that you have loaded "
        "with transformers can be given as it is, with tokenizer=…"
    )


_LOADED = "AutoModelForCausalLM.from_pretrained(…"
DEQUANTISING = {
    "bitsandbytes": f"model = {_LOADED}); model.dequantize().save_pretrained(FOLDER)",
    "fp8": f"{_LOADED}, quantization_config=FineGrainedFP8Config(dequantize=True)).save_pretrained(FOLDER)",
    "compressed-tensors": (
        f"{_LOADED}, quantization_config=CompressedTensorsConfig(run_compressed=False)).save_pretrained(FOLDER)"
    ),
}
"""How transformers makes plain weights of those that it can unpack."""


def _unloadable(what: str, place: Place, error: Exception) -> ModelError:
    hint = "" if place.local else " (no local path, and not to be had from Hugging Face's hub)"
    revision = "" if place.revision is None else f" at revision {place.revision!r}"
    return ModelError(f"cannot load a {what} from {place.where!r}{revision}{hint}: {first_line(error)}")


def _gguf_file(source: str | Path) -> Path | None:
    """The GGUF file that is meant, or one of its shards; None for what is no file. ModelError for another file."""
    there, path = _exists(source), Path(source).expanduser()
    if str(source) == "gemma3-270m" and not there:
        return gemma3_file()
    if not path.is_file():
        return None
    if not is_gguf(path):
        raise ModelError(f"{path} is no GGUF file: give a GGUF file, a folder with config.json, or a model name")
    return path


def locate(source: str | Path, dtype: torch.dtype = torch.float32) -> Place:
    """Where transformers finds the model: a file or folder that is there, else a name on the hub (`name@revision`).

    A GGUF file is converted first, in `dtype`.
    Raises ModelError for a path that is not there, and for a folder or file that holds no whole model.
    """
    if (file := _gguf_file(source)) is not None:
        return Place(str(converted_folder(file, dtype)), whole_stem(file), True)
    name, path = str(source), Path(source).expanduser()
    if path.is_dir():
        name = path.resolve().name
        if any(path.glob("adapter_model.*")) and (path / "config.json").is_file():
            raise ModelError(
                f"{path} holds a model and an adapter beside it: {MERGE}, or take the adapter's files out of the folder"
            )
        if (path / "adapter_config.json").is_file() and not (path / "config.json").is_file():
            raise ModelError(f"{path} holds an adapter only: {MERGE}, save that model, and give its folder")
        if not (path / "config.json").is_file():
            raise ModelError(f"{path} has no config.json: give the folder that save_pretrained wrote")
    elif isinstance(source, Path) or name.count("/") > 1 or name.startswith((".", "~", "/")) or path.suffix == ".gguf":
        raise ModelError(f"no such file or folder: {source}")
    if path.exists():
        return Place(str(path), name, True)
    where, _, revision = name.partition("@")
    if "@" in name and not (where and revision):
        raise ModelError(f"expected a model name, or name@revision, got {name!r}")
    if revision and _exists(where):  # transformers would take the folder, and leave the revision out
        raise ModelError(
            f"{name!r}: there is a folder {where!r} here, which has no revisions: give {where!r} for the folder, or "
            "run in another folder for the model on the hub"
        )
    return Place(where, name, False, revision or None)


MERGE = "merge the adapter into its model (peft: model.merge_and_unload())"


def _exists(source: str | Path) -> bool:
    """Whether there is such a path; ModelError for what can be none: longer than any name, or a home nobody has."""
    try:
        return Path(source).expanduser().exists()
    except (OSError, RuntimeError) as error:
        raise ModelError(f"no such file or folder: {shown(str(source))} ({first_line(error)})") from error


def _tokenizer_at(place: Place) -> "PreTrainedTokenizerBase":
    return read_tokenizer(place.where if place.revision is None else f"{place.where}@{place.revision}")


def read_tokenizer(tokenizer: Any) -> "PreTrainedTokenizerBase":
    """A tokenizer of our own (with a padding token), from an object, a folder or a name."""
    if isinstance(tokenizer, str | Path):
        from transformers import AutoTokenizer

        there = _exists(tokenizer)
        name, _, revision = (str(tokenizer), "", "") if there else str(tokenizer).partition("@")
        with _offline(there):
            try:
                own = AutoTokenizer.from_pretrained(name, **NO_CODE, **({"revision": revision} if revision else {}))
            except Exception as error:
                raise ModelError(
                    f"cannot load a tokenizer from {str(tokenizer)!r}: {first_line(error)}; give one with tokenizer=…"
                ) from error
    elif not hasattr(tokenizer, "convert_ids_to_tokens") or isinstance(tokenizer, type):
        raise ModelError(f"tokenizer: expected a tokenizer of transformers, a folder or a name, got {shown(tokenizer)}")
    else:
        own = deepcopy(tokenizer)
    if own.pad_token is None:
        own.pad_token = own.eos_token or own.convert_ids_to_tokens(0)
    return own


@contextmanager
def _offline(local: bool) -> Iterator[None]:
    """While a local folder is read: no calls to the hub (without a network they are retried for half a minute)."""
    from huggingface_hub import constants
    from transformers.utils import logging

    before, bar = constants.HF_HUB_OFFLINE, logging.is_progress_bar_enabled()
    if local:
        constants.HF_HUB_OFFLINE = True
        logging.disable_progress_bar()
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before
        if bar:
            logging.enable_progress_bar()


def first_line(error: Exception) -> str:
    """What an error says first, or its kind."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
