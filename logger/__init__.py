"""The durable prediction logger that a service imports. Imports neither Prefect nor the tasks."""
