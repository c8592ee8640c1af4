"""The model registry: versions, aliases and the way back to an earlier champion."""
