"""Tables whose rows come in time order and of which it is known what drifts, where and whether it harms."""
