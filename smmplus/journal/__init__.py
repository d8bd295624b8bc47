"""The record of every order: why none is placed twice and none is lost."""
