"""The part that lives in a model server. Imports neither Prefect nor the tasks."""
