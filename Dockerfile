# The command `platform`, with the adapters and modules of PACKAGES and nothing to build them with.
# How to run it stands in docs/production.md.

ARG BASE=python:3.13-slim

FROM ${BASE} AS build
ARG PACKAGES="packages/platform-cli[localfs,postgres] modules/batch_etl"
RUN python3 -m venv /opt/uv && /opt/uv/bin/pip install --quiet --no-cache-dir uv
WORKDIR /src
COPY . .
# With the versions that pyproject.toml pins; compiled, for nothing is written where it runs.
RUN set -f && /opt/uv/bin/uv venv --quiet /opt/platform && /opt/uv/bin/uv pip install --quiet --no-cache \
    --no-editable --compile-bytecode --python /opt/platform ${PACKAGES}

FROM ${BASE}
COPY --from=build /opt/platform /opt/platform
ENV PATH=/opt/platform/bin:$PATH PLATFORM_ENV=production PLATFORM_DB=postgres PLATFORM_LOG=json
WORKDIR /srv
# As a number, by which Kubernetes sees that it is not root.
USER 10001
# Without a shell, so that signals reach the command. There is no HEALTHCHECK: a job ends, and reports how.
ENTRYPOINT ["platform"]
