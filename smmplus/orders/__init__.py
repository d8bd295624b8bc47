"""What can be ordered: order types, their fields, checks and prices. Pure functions on frozen values."""
