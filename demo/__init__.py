"""The demo: continuous training on one machine, with a drifting stream, local servers and a summary."""
