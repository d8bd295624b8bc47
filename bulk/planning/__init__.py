"""From the rows of a sheet to a plan: what would be sent, at what price, and what blocks it."""
