"""Reads rows: files, databases, and the prediction log."""
