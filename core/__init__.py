"""Errors, results, settings and file access that every other package imports. Imports no Prefect."""
