"""Fitted models: loading them from MLflow, predicting, scoring and explaining. Knows no Prefect."""
