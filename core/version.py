"""The package's version, kept in a module of its own so that the build can read it without importing anything else."""

VERSION = "0.1.0"
