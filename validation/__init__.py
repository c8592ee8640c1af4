"""Data validation: expectations, Great Expectations, and telling broken rows from drifted ones. Pure."""
