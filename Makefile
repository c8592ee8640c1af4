# Everything here needs Python 3.11 or newer and make; the rest is installed into .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LOCK := requirements-dev.lock
STAMP := $(VENV)/.installed
SERVING := .venv-serving
SERVING_LOCK := requirements-serving.lock
SERVING_STAMP := $(SERVING)/.installed
# What served models are made of beside scikit-learn, in the versions that they are trained with.
MODEL_PACKAGES ?= lightgbm
# What a model and the prediction log are made with is the same in both environments.
SHARED := mlflow-skinny|numpy|pandas|scikit-learn|scipy|skops|alembic|sqlalchemy|sqlparse|filelock|prometheus-client|pydantic|pymongo
# Test processes at once; each starts a Prefect server of its own.
WORKERS ?= 2

DATA ?=
MONGODB_URI ?=
WINDOWS ?=
PROJECT ?=

# Two cores thrash when every library starts its own threads.
export OMP_NUM_THREADS ?= 1
export LOKY_MAX_CPU_COUNT ?= 1
export DO_NOT_TRACK := true
export PREFECT_SERVER_ANALYTICS_ENABLED := false
export MLFLOW_DISABLE_TELEMETRY := true
export DISABLE_DEEPCHECKS_ANONYMOUS_TELEMETRY := 1

.DEFAULT_GOAL := help
.PHONY: help setup setup-serving demo ui test test-slow lint types docs wheel serve bench bench-import screenshots lock clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

setup: $(STAMP) ## Make the environment

$(STAMP): $(LOCK) pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, found " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	@echo "Making the environment in $(VENV): about 300 packages, one to five minutes."
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'uv>=0.5'
	UV_COMPILE_BYTECODE=1 $(BIN)/uv pip install --python $(BIN)/python --requirement $(LOCK)
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $@

setup-serving: $(SERVING_STAMP) ## Make the environment of the model server (MODEL_PACKAGES="lightgbm ...")
	$(if $(strip $(MODEL_PACKAGES)),UV_COMPILE_BYTECODE=1 $(BIN)/uv pip install --quiet --python $(SERVING)/bin/python \
	  --constraint $(LOCK) $(MODEL_PACKAGES))

$(SERVING_STAMP): $(STAMP) $(SERVING_LOCK)
	test -x $(SERVING)/bin/python || $(PYTHON) -m venv $(SERVING)
	UV_COMPILE_BYTECODE=1 $(BIN)/uv pip install --python $(SERVING)/bin/python --requirement $(SERVING_LOCK)
	$(BIN)/uv pip install --quiet --python $(SERVING)/bin/python --no-deps --editable .
	@touch $@

demo: $(STAMP) ## Watch the whole loop: train, drift, retrain, repair (DATA=file.csv MONGODB_URI=...)
	@$(BIN)/python -m prefect_mlops.demo play $(if $(DATA),--data '$(DATA)') $(if $(MONGODB_URI),--mongodb-uri '$(MONGODB_URI)') $(if $(WINDOWS),--windows '$(WINDOWS)')

ui: $(STAMP) ## Open the Prefect and MLflow UIs of the last demo again
	@$(BIN)/python -m prefect_mlops.demo ui

test: $(STAMP) ## Run the tests
	$(BIN)/python -m pytest -m "not slow" --numprocesses $(WORKERS) --dist loadfile

test-slow: $(STAMP) ## Run the tests that take longer
	$(BIN)/python -m pytest -m slow --timeout 1200 --numprocesses $(WORKERS) --dist loadfile

lint: $(STAMP) ## Check style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP) ## Check types
	$(BIN)/pyright

docs: $(STAMP) ## Build the documentation into site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

wheel: $(STAMP) ## Build the wheel into dist/
	rm -rf build dist
	$(BIN)/python -m build --wheel --outdir dist

serve: $(STAMP) ## Serve the flows of a project and its automation (PROJECT=name)
	@test -n "$(PROJECT)" || { echo "Name the project: make serve PROJECT=telemarketing"; exit 2; }
	$(BIN)/python -m prefect_mlops.deployments serve '$(PROJECT)'

bench-import: $(STAMP) ## Measure what importing costs
	$(BIN)/python benchmarks/import_time.py

bench: bench-import ## Run the benchmarks
	$(BIN)/python benchmarks/logger_overhead.py
	$(BIN)/python benchmarks/bulk_read.py

screenshots: $(STAMP) ## Take the pictures of the documentation from the last demo (needs Chromium)
	$(BIN)/python docs/screenshots.py

lock: $(STAMP) ## Resolve the lock file again
	$(BIN)/uv pip compile --universal --python-version 3.11 --upgrade --quiet --no-header --no-annotate \
	  --extra dask --group dev --output-file $(LOCK) pyproject.toml
	grep -E '^($(SHARED))==' $(LOCK) | $(BIN)/uv pip compile - docker/serving/requirements.in --universal --python-version 3.11 \
	  --quiet --no-header --no-annotate --output-file $(SERVING_LOCK)

clean: ## Remove what was built, and the environment
	rm -rf $(VENV) $(SERVING) .demo build dist site
