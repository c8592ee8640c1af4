"""One step each: a thin Prefect task around a library, plus the verdict."""
