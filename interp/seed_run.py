"""What `interp.experiments.orgad.run` was called; kept for one release."""

from interp.support.renamed import renamed

_HOME = "interp.experiments.orgad.run."

__getattr__ = renamed(
    __name__,
    {"SITE": f"{_HOME}SITE", "seed_run": f"{_HOME}paper_run", "write_seed": f"{_HOME}write_paper"},
)
