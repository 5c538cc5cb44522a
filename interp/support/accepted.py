"""What public functions take, named once: a type checker reads a union, `help` and the reader the words.

At run time each name is `Annotated[Any, "the words"]`: what is wrong is met by our own checks, whose sentence says more
than a type's, and nothing is imported for a type's sake.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import xarray as xr
    from jaxtyping import Bool, Float, Int, Shaped
    from sklearn.base import BaseEstimator
    from torch import Tensor
    from transformer_lens import ActivationCache
    from transformer_lens.hook_points import HookPoint as LensHookPoint
    from transformers import PreTrainedModel, PreTrainedTokenizerBase
    from transformers.utils.generic import ModelOutput

    from interp.capturing.activations import Capture
    from interp.capturing.on_disk import OnDisk
    from interp.capturing.positions import Positions
    from interp.capturing.role_rule import Roles
    from interp.controls.control_table import Controls
    from interp.data.rows import QARow
    from interp.grids.of_run import GridLike, RunLike
    from interp.labelling.answers import Answers

    Column: TypeAlias = Sequence[Any] | np.ndarray | Tensor | pd.Series
    # TransformerLens 4 has no HookedTransformer, and both classes give tensors or modules for what they do not declare.
    HookedModel: TypeAlias = Any
    ModelSource: TypeAlias = str | Path | HookedModel | PreTrainedModel
    Tokenizer: TypeAlias = str | Path | PreTrainedTokenizerBase
    Asked: TypeAlias = str | Path | HookedModel | Callable[[str], str]
    RowSource: TypeAlias = str | PathLike[str] | Iterable[QARow | Mapping[str, Any]] | pd.DataFrame
    HookPoint: TypeAlias = LensHookPoint
    Cache: TypeAlias = ActivationCache | Mapping[str, Tensor]
    TokenIds: TypeAlias = Sequence[Sequence[int]] | Int[np.ndarray | Tensor, "sample token"]
    HiddenStateArrays: TypeAlias = Sequence[Any] | ModelOutput
    PatternArrays: TypeAlias = Sequence[Any]
    PositionSource: TypeAlias = Positions | Answers
    StateFiles: TypeAlias = str | PathLike[str] | Sequence[str | PathLike[str]]
    SiteArrays: TypeAlias = Mapping[str, Shaped[Tensor | OnDisk, "sample layer role width"]]
    EmbedArray: TypeAlias = Shaped[Tensor | OnDisk, "sample role d_model"]
    QuestionArray: TypeAlias = Float[Tensor | OnDisk, "sample d_model"]
    AttentionArrays: TypeAlias = Mapping[str, Float[Tensor | OnDisk, "sample layer head role"]]
    FeatureSource: TypeAlias = Capture | RunLike | Shaped[np.ndarray | Tensor, "sample layer role width"]
    CaptureOrRun: TypeAlias = Capture | RunLike
    Vectors: TypeAlias = Capture | RunLike | Float[np.ndarray | Tensor, "*sample width"]
    AnswersOrTexts: TypeAlias = Answers | str | Sequence[str]
    LabelSource: TypeAlias = Answers | Column
    GroupSource: TypeAlias = Answers | Column
    Ids: TypeAlias = Sequence[str] | np.ndarray | pd.Series
    FoldNumbers: TypeAlias = Sequence[int] | Int[np.ndarray | Tensor, " sample"] | pd.Series
    Scores: TypeAlias = Mapping[str, Mapping[str, float] | Callable[[Answers, Capture | None], Any]]
    Mask: TypeAlias = Sequence[Sequence[bool]] | Bool[np.ndarray | Tensor, "sample role"]
    Tokens: TypeAlias = (
        Sequence[int] | Sequence[Sequence[int]] | Sequence[Sequence[Sequence[int]]] | Int[np.ndarray | Tensor, "..."]
    )
    RoleRules: TypeAlias = Roles
    Counts: TypeAlias = int | Sequence[int] | Int[np.ndarray | Tensor, " sample"]
    Probe: TypeAlias = str | BaseEstimator
    GridSources: TypeAlias = Mapping[str, GridLike] | Sequence[RunLike | str | Path]
    ControlRows: TypeAlias = Mapping[str, Sequence[float] | np.ndarray | Mapping[str, float] | xr.DataArray]
    DetectorFunctions: TypeAlias = Mapping[str, Callable[[Answers, Capture], Sequence[float] | Mapping[str, float]]]
    ControlTable: TypeAlias = Controls | RunLike | pd.DataFrame
    CellLabels: TypeAlias = RunLike | xr.Dataset | LabelSource
    OneRun: TypeAlias = RunLike | str | Path | tuple[Capture, Answers]
    TransferRuns: TypeAlias = Mapping[str, OneRun] | Sequence[RunLike | str | Path] | OneRun
    TransferParts: TypeAlias = str | Mapping[str, str]
    TransferCell: TypeAlias = tuple[int, str]
    Outcome: TypeAlias = str | Callable[[Float[Tensor, "sample d_vocab"]], Float[Tensor, " sample"]]
else:
    HookedModel = Annotated[Any, "a HookedTransformer or TransformerBridge"]
    ModelSource = Annotated[Any, "a name, folder, GGUF file, hooked model or Hugging Face model"]
    Tokenizer = Annotated[Any, "a Hugging Face tokenizer, or its name or folder"]
    Asked = Annotated[Any, "a function str -> str, a hooked model, or its name"]
    RowSource = Annotated[Any, "a path, or QARows, dicts or a DataFrame"]
    HookPoint = Annotated[Any, "a TransformerLens HookPoint"]
    Cache = Annotated[Any, "an ActivationCache, or {hook point: tensor}"]
    TokenIds = Annotated[Any, "token ids `sample token`, or a list of them per sample"]
    HiddenStateArrays = Annotated[Any, "arrays `sample token width` per layer, or `layer token width` per sample"]
    PatternArrays = Annotated[Any, "arrays `sample head query key` per block, or `block head query key` per sample"]
    PositionSource = Annotated[Any, "an Answers, or a Positions"]
    StateFiles = Annotated[Any, "a folder, a file, or several"]
    SiteArrays = Annotated[Mapping[str, Any], "{site: tensor `sample layer role width`}"]
    EmbedArray = Annotated[Any, "tensor `sample role d_model`"]
    QuestionArray = Annotated[Any, "tensor `sample d_model`"]
    AttentionArrays = Annotated[Mapping[str, Any], "{metric: tensor `sample layer head role`}"]
    FeatureSource = Annotated[Any, "a Capture, a Run, or an array `sample layer role width`"]
    CaptureOrRun = Annotated[Any, "a Capture or a Run"]
    Vectors = Annotated[Any, "a Capture, a Run, or an array `... width`"]
    AnswersOrTexts = Annotated[Any, "an Answers, or texts"]
    LabelSource = Annotated[Any, "an Answers, or 1, 0 or None per sample"]
    GroupSource = Annotated[Any, "an Answers, or a name or number per sample"]
    Ids = Annotated[Any, "a text per sample"]
    FoldNumbers = Annotated[Any, "a whole number per sample, -1: in no fold"]
    Scores = Annotated[Any, "{name: {sample id: score}, or a function (answers, cap) -> scores}"]
    Mask = Annotated[Any, "bools `sample role`"]
    Tokens = Annotated[Any, "whole numbers `sample role`, `sample` or `sample role 2`"]
    RoleRules = Annotated[Any, "{name: rule}, or names and (name, rule) pairs"]
    Counts = Annotated[Any, "a whole number, or one per sample"]
    Probe = Annotated[Any, "a name in PROBES, or a scikit-learn estimator"]
    GridSources = Annotated[Any, "{name: grid, Run or folder}, or a list of Runs or folders"]
    ControlRows = Annotated[Any, "{name: one AUC per token}"]
    DetectorFunctions = Annotated[Any, "{name: function (answers, capture) -> a score per sample}"]
    ControlTable = Annotated[Any, "what control_grid returned, a table, or a Run"]
    CellLabels = Annotated[Any, "labels, a grid, or a Run"]
    TransferRuns = Annotated[
        Any, "Runs or folders in a list, {name: Run, folder or (Capture, Answers)}, or one of them"
    ]
    TransferParts = Annotated[Any, "`template`, or {sample id: label}"]
    TransferCell = Annotated[Any, "(layer, role)"]
    Outcome = Annotated[Any, "`answer`, `judgement`, or a function of logits `sample d_vocab` -> a number per sample"]
