"""Sheets of orders: read, checked, priced, placed once, tracked and written back."""
