"""Compositions of the tasks: training, scoring and monitoring."""
