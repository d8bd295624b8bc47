"""Carrying out a plan: confirm, place, track, write back."""
