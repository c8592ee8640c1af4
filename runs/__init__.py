"""A run as Prefect shows it: its log lines, its artifacts, its events, and the journal of how it ended."""
