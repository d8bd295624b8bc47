"""What is left of runs that ended early: rescued order ids and orders in doubt."""
