"""What the best cell is good for, in words."""

from collections.abc import Mapping
from typing import Any

import numpy as np


def use_sentences(comparison: Mapping[str, Any]) -> list[str]:
    """What the best cell is good for, from `comparison.json`."""
    use = comparison.get("for_use") or {}
    found = use.get("selective")
    if not found:
        return [use["reason"]] if use.get("reason") else []
    area, chance, oracle = found["aurc"]["value"], found["aurc_chance"], found["aurc_oracle"]
    at = int(np.abs(np.array(found["risk_coverage"]["coverage"]) - 0.5).argmin())
    rel = found["reliability"]
    sentences = [
        f"Answering only where the probe is surest: with half of the questions answered, "
        f"{100 * found['risk_coverage']['risk'][at]:.0f} % of the answers are wrong, against {100 * chance:.0f} % of "
        f"all. The area under the risk-coverage curve is {area:.3f} (at random {chance:.3f}, at best {oracle:.3f}).",
        f"Calibrated on the other folds, its probability has a Brier score of {rel['brier']:.3f} (the base rate alone: "
        f"{rel['brier_base']:.3f}) and an expected calibration error of {rel['ece']:.3f}.",
    ]
    return [*sentences, *([use["reason"]] if use.get("reason") else [])]
