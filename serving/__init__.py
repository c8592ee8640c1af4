"""Model serving: the runtime that a model server loads. Imports neither Prefect nor the tasks."""
