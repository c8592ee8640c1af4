# Runs training, monitoring, scoring and labelling: a Prefect worker with the package.
# docker build --file docker/worker.Dockerfile --tag prefect-mlops-worker .
FROM python:3.11-slim-bookworm AS build
RUN pip install --no-cache-dir 'uv>=0.5'
WORKDIR /source
COPY pyproject.toml README.md LICENSE requirements-dev.lock ./
COPY core core
COPY data data
COPY validation validation
COPY metrics metrics
COPY models models
COPY training training
COPY gates gates
COPY monitoring monitoring
COPY canary canary
COPY backtest backtest
COPY evidence evidence
COPY storage storage
COPY logger logger
COPY blocks blocks
COPY registry registry
COPY sources sources
COPY runs runs
COPY tasks tasks
COPY flows flows
COPY serving serving
COPY deployments deployments
COPY demo demo
# The lock constrains the versions; only what the package needs is installed.
RUN UV_COMPILE_BYTECODE=1 uv pip install --system --no-cache --constraint requirements-dev.lock .

FROM python:3.11-slim-bookworm
# scikit-learn needs the OpenMP runtime.
RUN apt-get update && apt-get install --yes --no-install-recommends libgomp1 && rm -rf /var/lib/apt/lists/*
COPY --from=build /usr/local /usr/local
# A volume takes the owner of the folder that it is mounted on.
RUN useradd --create-home --uid 1000 mlops && install --directory --owner mlops --group mlops /home/mlops/workspace
USER mlops
WORKDIR /home/mlops
ENV DO_NOT_TRACK=true \
    MLFLOW_DISABLE_TELEMETRY=true \
    DISABLE_DEEPCHECKS_ANONYMOUS_TELEMETRY=1 \
    GX_ANALYTICS_ENABLED=false \
    OMP_NUM_THREADS=1
ENTRYPOINT ["python", "-m", "prefect_mlops.deployments"]
CMD ["serve", "telemarketing"]
