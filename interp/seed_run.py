"""What `interp.paper_run` was called; kept for one release."""

from interp.renamed import renamed

_HOME = "interp.paper_run."

__getattr__ = renamed(
    __name__,
    {"SITE": f"{_HOME}SITE", "seed_run": f"{_HOME}paper_run", "write_seed": f"{_HOME}write_paper"},
)
