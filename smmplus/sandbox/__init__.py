"""A simulated panel over real HTTP."""
