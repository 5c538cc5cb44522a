"""What `interp.experiments.orgad.preset` and `interp.experiments.orgad.labels` were called; kept for one release."""

from interp.support.renamed import renamed

_PRESET, _LABELS = "interp.experiments.orgad.preset.", "interp.experiments.orgad.labels."

__getattr__ = renamed(
    __name__,
    {
        "N_SAMPLES": f"{_LABELS}N_SAMPLES",
        "by_gold": f"{_LABELS}by_gold",
        "held_out_auc": f"{_PRESET}held_out_auc",
        "seed_answers": f"{_PRESET}paper_answers",
        "seed_grid": f"{_PRESET}paper_grid",
        "seed_positions": f"{_PRESET}paper_positions",
        "seed_span": f"{_LABELS}paper_span",
        "seed_split": f"{_LABELS}paper_split",
        "substring_match": f"{_LABELS}substring_match",
    },
)
