"""Runs programs one after another in one process: the libraries are imported, and Prefect's server started, once."""

import runpy
import sys

for path in sys.argv[1:]:
    print(f"--- {path}", flush=True)
    runpy.run_path(path, run_name="__main__")
