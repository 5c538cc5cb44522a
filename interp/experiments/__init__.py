"""Experiments of published papers, decision for decision."""
