"""A backend: a hooked model, and how a pass, a cache or a weight is asked of the class that carries its hooks."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager
from typing import Any, ClassVar, NamedTuple, Protocol, runtime_checkable

from jaxtyping import Float, Int
from torch import Tensor

from interp.models.backends.caches import KeyValueCache

Hook = Callable[[Tensor], Tensor | None]
"""Called with the tensor at a hook point: what it returns goes on in the tensor's place, None changes nothing."""


@runtime_checkable
class Config(Protocol):
    """Sizes of a model, by TransformerLens's names."""

    model_name: str
    n_layers: int
    n_heads: int
    n_key_value_heads: int | None
    d_model: int
    d_head: int
    n_ctx: int
    d_vocab: int
    device: Any


class LastModules(NamedTuple):
    """What stands behind the last residual stream. Scale and softcap of the logits: `Backend.unembed` has them."""

    norm: Callable[[Tensor], Tensor]
    weight: Float[Tensor, "d_vocab d_model"]
    bias: Float[Tensor, " d_vocab"] | None
    softcap: float | None
    """c of c · tanh(logit / c)."""


class Backend(ABC):
    """One model through one library. `backends.kinds.register` adds a class of another library, or a fake."""

    name: ClassVar[str]
    """The class that carries the hooks, as `run.json` names it."""

    def __init__(self, model: Any) -> None:
        self.model = model

    @staticmethod
    @abstractmethod
    def takes(model: object) -> bool:
        """Whether the model is of this library; nothing heavy is imported to find out."""

    @property
    @abstractmethod
    def cfg(self) -> Config:
        """The model's sizes."""

    @property
    @abstractmethod
    def architecture(self) -> str:
        """Hugging Face's name of the class, such as `LlamaForCausalLM`; empty if unknown."""

    @property
    @abstractmethod
    def text_config(self) -> Any:
        """Hugging Face's configuration of the language model, or None."""

    @property
    @abstractmethod
    def points(self) -> Collection[str]:
        """Names of all hook points, by TransformerLens's pattern: `blocks.3.hook_resid_post`."""

    @property
    @abstractmethod
    def shown(self) -> tuple[bool, ...]:
        """Per layer, whether there is an attention pattern."""

    @property
    @abstractmethod
    def windows(self) -> tuple[int | None, ...]:
        """Per layer, how many keys a query sees at most, itself included; None: all before it, or no pattern."""

    @property
    @abstractmethod
    def is_recurrent(self) -> bool:
        """Whether some layer keeps something else than keys and values."""

    @property
    @abstractmethod
    def pads_between(self) -> bool:
        """Whether padding may follow cached tokens: windows and distances are then still measured in tokens."""

    @property
    @abstractmethod
    def processed(self) -> bool:
        """Whether norms were folded and weights centred."""

    @property
    @abstractmethod
    def first_weight(self) -> Tensor:
        """A weight that lies where tokens go and has the type of the residual stream."""

    @property
    @abstractmethod
    def embedding(self) -> Callable[[Tensor], Any] | None:
        """The module that looks up token ids, with no hook on the way; None where there is none."""

    @property
    @abstractmethod
    def by_definition(self) -> frozenset[str]:
        """Sites that are what their names say because the class computes them so."""

    @property
    def last_modules(self) -> LastModules | None:
        """Final norm and unembedding, each by itself; None where they cannot be told apart."""
        return None

    @abstractmethod
    def check(self) -> None:
        """Raise ModelError for a model that does not read from left to right, or whose weights are elsewhere."""

    @abstractmethod
    def process(self) -> None:
        """Fold norms and centre weights, in place."""

    @abstractmethod
    def attached(self, hooks: Mapping[str, Hook]) -> AbstractContextManager[None]:
        """For the time of the block, `hooks` see every pass; only they are taken off again.

        Raises ModelError for a hook point that is not there.
        """

    @abstractmethod
    def run(
        self,
        tokens: Int[Tensor, "sample new"],
        attention_mask: Int[Tensor, "sample all"],
        cache: KeyValueCache | None,
        *,
        logits: bool,
    ) -> Float[Tensor, "sample d_vocab"] | None:
        """One pass (`interp.models.hooked.forward`); the logits of the last position, if they are asked for."""

    @abstractmethod
    def new_cache(self, batch: int) -> KeyValueCache:
        """An empty cache for `batch` samples."""

    @abstractmethod
    def unobserved(self) -> AbstractContextManager[None]:
        """For the time of the block, passes that nobody observes may take a shorter way to the same bits."""

    @abstractmethod
    def beginning_at(self, layer: int) -> AbstractContextManager[None]:
        """For the time of the block, the model's blocks before `layer` hand on what they are given, uncomputed.

        What they put into a cache is then missing too: for passes that a hook gives the stream before `layer`, and
        nothing that reads an earlier one.
        """

    @abstractmethod
    def output_weight(self, layer: int) -> Float[Tensor, "head d_head d_model"] | None:
        """W_O of a layer, by head; None where there is none of that shape, or not in floating numbers."""

    @abstractmethod
    def unembed(self, residual: Float[Tensor, "token d_model"]) -> Float[Tensor, "token d_vocab"]:
        """Logits of vectors of the last residual stream: the model's own final norm, unembedding and softcap.

        With gradients where the vectors have them.
        """
