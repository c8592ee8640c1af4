"""Drift, realised performance and the governor that decides on a retraining. Pure."""
