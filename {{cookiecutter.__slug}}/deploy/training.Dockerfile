# The image that trains: every `ml` command with the project's own settings, contract and code. Build it
# from the project's folder:
#   docker build -f deploy/training.Dockerfile -t NAME .
#   docker run --rm --env MLFLOW_TRACKING_URI NAME ml train
ARG BASE=python:3.13-slim

FROM ${BASE} AS build
ARG UV=0.11.6
RUN pip install --no-cache-dir "uv==${UV}"
WORKDIR /project
COPY pyproject.toml uv.lock README.md ./
ARG GROUP=""
# The lock's versions, in a layer of their own; GROUP is one more dependency group, as "dask".
RUN uv sync --locked --no-default-groups --group train --group behaviour \
  ${GROUP:+--group "$GROUP"} --no-install-project --compile-bytecode
COPY src src
# Editable: /project/src is read.
RUN uv pip install --no-deps --editable .

FROM ${BASE}
WORKDIR /project
COPY --from=build /project/.venv .venv
COPY . .
# What a training writes; everything else may be read-only.
RUN install -d -o 10001 .ml reports
ENV PATH=/project/.venv/bin:$PATH PYTHONUNBUFFERED=1 HOME=/tmp
USER 10001
# No entry point: Docker puts a command behind it, Kubernetes in its place.
CMD ["ml", "--help"]
