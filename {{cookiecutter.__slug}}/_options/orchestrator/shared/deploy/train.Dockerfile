# The project with all that training needs: every stage of an orchestrator runs in it.
#   docker build -f deploy/train.Dockerfile -t NAME .
ARG BASE=python:3.13-slim
FROM ${BASE}
ARG UV=0.11.6
RUN pip install --no-cache-dir "uv==${UV}" && install -d -o 10001 /project
WORKDIR /project
ENV PATH=/project/.venv/bin:$PATH PYTHONUNBUFFERED=1 HOME=/tmp
# The libraries are a layer of their own: a change of the project is a small one.
COPY pyproject.toml uv.lock README.md ./
RUN uv sync --locked --no-cache --no-install-project --compile-bytecode
COPY --chown=10001 . .
RUN uv sync --locked --no-cache
USER 10001
# No entry point: Docker puts a command behind it, and Kubernetes in its place.
CMD ["ml", "--help"]
