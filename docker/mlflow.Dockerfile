# The MLflow tracking server and registry, of the same version as the flows use.
# docker build --file docker/mlflow.Dockerfile --tag prefect-mlops-mlflow .
FROM python:3.11-slim-bookworm
WORKDIR /source
COPY requirements-dev.lock ./
RUN pip install --no-cache-dir 'uv>=0.5' \
    && uv pip install --system --no-cache --constraint requirements-dev.lock mlflow psycopg2-binary
RUN useradd --create-home --uid 1000 mlops && mkdir /artifacts && chown mlops /artifacts
USER mlops
# The jobs judge traces of language models: several idle processes here.
ENV DO_NOT_TRACK=true MLFLOW_DISABLE_TELEMETRY=true MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false
EXPOSE 5000
ENTRYPOINT ["mlflow", "server", "--host", "0.0.0.0", "--port", "5000", "--artifacts-destination", "/artifacts"]
