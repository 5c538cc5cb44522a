"""The built-in detectors by name: each is defined in a file of this folder, and joins here."""

from interp.experiments.detecting.confidence import CONFIDENCE
from interp.experiments.detecting.given import Detector
from interp.experiments.detecting.p_true import P_TRUE
from interp.experiments.detecting.probe import PROBES

DETECTORS: dict[str, Detector] = {one.name: one for one in (*CONFIDENCE, *P_TRUE, *PROBES)}
"""{name: detector}, families together."""
