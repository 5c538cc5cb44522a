"""Texts by themselves: numbers, options, thoughts and answers in what was written, and which tokens cover them."""
