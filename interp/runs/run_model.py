"""The model of a finished run, loaded again as it was loaded then, and its tokenizer, if need be without weights."""

from typing import Any

from interp.errors import InterpError, RunError
from interp.generating.prompts import decoder
from interp.grids.of_run import RunLike
from interp.models.loading import model_tokenizer, read_config
from interp.runs.rows import load_settings_model, model_source
from interp.runs.settings import Settings
from interp.support.accepted import HookedModel
from interp.support.fingerprint import tokenizer_hash, weights_hash
from interp.text.spans import Decode


def model_of_run(run: RunLike, model: Any = None) -> HookedModel:
    """The model that the run's record names, or the one given in its place.

    Raises RunError if its weights are not those that answered, or if it was given in Python and is not given again.
    """
    settings = Settings.from_json(run.record["settings"])
    hooked = load_settings_model(settings, model_source(settings, model))
    then, now = run.record["model"]["weights_sha256"], weights_hash(hooked)
    if then != now:
        raise RunError(f"{run.name}: the model changed since the run ({then} then, {now} now)")
    return hooked


class RunModel:
    """A run's model and what its tokens mean, each read once, when it is first asked for."""

    def __init__(self, run: RunLike):
        self._run = run
        self._hooked: HookedModel | None = None
        self._given: Any = None
        self._decode: Decode | None = None
        self._why_not: str | None = None

    def hooked(self, model: Any = None) -> HookedModel:
        """The model, loaded, and checked to be the one that answered. Raises as `model_of_run` does."""
        if self._hooked is None or (model is not None and model is not self._given):
            self._hooked, self._given = model_of_run(self._run, model), model
            self._decode, self._why_not = decoder(model_tokenizer(self._hooked)), ""
        return self._hooked

    def decode(self) -> tuple[Decode | None, str]:
        """Ids to text by the run's tokenizer, or None and why it cannot be read."""
        if self._why_not is None:
            try:
                self._decode, self._why_not = self._read(), ""
            except InterpError as error:
                self._why_not = str(error)
        return self._decode, self._why_not

    def _read(self) -> Decode:
        record = self._run.record
        _, tokenizer = read_config(model_source(Settings.from_json(record["settings"])))
        if tokenizer_hash(tokenizer) != record["model"].get("tokenizer_sha256"):
            raise RunError(f"{self._run.name}: the tokenizer of the model changed since the run")
        return decoder(tokenizer)
