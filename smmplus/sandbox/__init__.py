"""A simulated SMM panel over real HTTP, started with `python -m smmplus.sandbox`."""
