"""What every other layer stands on: errors, results, configuration and methods. Imports no Prefect."""
