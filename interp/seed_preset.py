"""What `interp.paper_preset` and `interp.paper_labels` were called; kept for one release."""

from interp.renamed import renamed

_PRESET, _LABELS = "interp.paper_preset.", "interp.paper_labels."

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
