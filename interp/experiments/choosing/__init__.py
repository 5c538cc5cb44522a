"""Choosing one of several answers by a probe, and by what needs none (Orgad et al., section 6)."""
