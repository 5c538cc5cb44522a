"""The built-in detectors by name: each is defined in a file of this folder, and joins here."""

from interp.experiments.detecting.ccs import CONTRASTS
from interp.experiments.detecting.confidence import CONFIDENCE
from interp.experiments.detecting.given import Detector
from interp.experiments.detecting.lookback_lens import LOOKBACK
from interp.experiments.detecting.mean_difference import MEAN_DIFFERENCES
from interp.experiments.detecting.p_true import P_TRUE
from interp.experiments.detecting.probe import PROBES
from interp.experiments.detecting.semantic_entropy import SEMANTIC_ENTROPY

DETECTORS: dict[str, Detector] = {
    one.name: one
    for one in (
        *CONFIDENCE,
        *P_TRUE,
        *PROBES,
        *MEAN_DIFFERENCES,
        *LOOKBACK,
        *CONTRASTS,
        *SEMANTIC_ENTROPY,
    )
}
"""{name: detector}, families together."""
