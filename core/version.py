"""The package's version, in a module of its own that the build reads without importing anything else."""

VERSION = "0.1.0"
