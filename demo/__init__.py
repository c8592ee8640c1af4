"""The whole loop on one machine: a stream that drifts, its servers and the summary."""
