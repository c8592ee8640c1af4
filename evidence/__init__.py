"""What a regulator reads: model cards and the readiness report, as Markdown and as pages that need no network."""
