"""Orgad et al., "LLMs Know More Than They Show" (ICLR 2025), as their code does it (docs/paper_preset.md)."""
