"""The durable prediction logger of a service, with a spool on disk. Imports neither Prefect nor the tasks."""
