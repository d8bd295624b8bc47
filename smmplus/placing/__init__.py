"""Placing and tracking orders through the journal: each order is sent once."""
