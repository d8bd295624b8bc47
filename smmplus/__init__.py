"""Paid social-media orders on the smm.plus API: no order is placed twice and none is lost."""
