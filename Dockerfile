# The service and what it needs to serve: no compiler, no pip in its environment, no tests, no training.
#
#   docker build -t lenet5 .      podman build --format docker -t lenet5 .   (its own format knows no HEALTHCHECK)
#   docker run --rm --read-only --tmpfs /tmp -p 8000:8000 lenet5

ARG BASE=docker.io/library/python:3.13-slim

FROM $BASE AS builder

COPY requirements.lock /
RUN python -m venv --without-pip /opt/venv \
    && pip --python /opt/venv/bin/python install --no-cache-dir --no-compile --require-hashes --only-binary :all: \
        -r /requirements.lock

# Of the wheels, what the service never loads: their own tests, onnxruntime's C library (a second copy of the one
# inside its Python module, for other packages to link) and its model tools, and the page that /docs does not use.
# Bytecode is made here, since no container can write it: without it a start takes a second more. It goes by the
# sources' hashes, so that a build may set all files' times.
WORKDIR /opt/venv/lib/python3.13/site-packages
RUN find . -type d -name tests -prune -exec rm -r {} + \
    && rm -r onnxruntime/capi/libonnxruntime.so.* onnxruntime/quantization onnxruntime/tools onnxruntime/transformers \
        fastapi_offline/static/redoc.standalone.js \
    && python -m compileall -q --invalidation-mode checked-hash .

# A checkout made under a strict umask is readable by its owner only.
COPY LICENSE /app/
COPY model /app/model
COPY service /app/service
RUN chmod -R a+rX /app \
    && python -m compileall -q --invalidation-mode checked-hash /app


FROM builder AS bulk-builder

COPY requirements-bulk.lock /
RUN pip --python /opt/venv/bin/python install --no-cache-dir --no-compile --require-hashes --only-binary :all: \
        -r /requirements-bulk.lock \
    && rm -r pyarrow/tests pyarrow/include pyarrow/src \
    && python -m compileall -q --invalidation-mode checked-hash .


FROM $BASE AS common

WORKDIR /app
# Any user may run it: all files are readable by everybody, and nothing is written.
USER 10001:0
ENV PATH=/opt/venv/bin:$PATH \
    HOME=/tmp \
    PYTHONUNBUFFERED=1


# `--target bulk`: the command line, as deploy/kubernetes/bulk runs it. It writes where it is told, nowhere else.
FROM common AS bulk

COPY --from=bulk-builder /opt/venv /opt/venv
COPY --from=builder /app /app
ENTRYPOINT ["python", "-m", "service.cli"]
CMD ["--help"]


FROM common

COPY --from=builder /opt/venv /opt/venv
COPY --from=builder /app /app

EXPOSE 8000
STOPSIGNAL SIGTERM
CMD ["python", "-m", "service"]

# http.client, since urllib would send the question to the proxy that many an engine names in the environment.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s CMD ["python", "-ISc", "\
import http.client, os, sys; \
probe = http.client.HTTPConnection('127.0.0.1', os.environ.get('PORT', '8000'), timeout=2); \
probe.request('GET', '/readyz'); \
sys.exit(probe.getresponse().status != 200)"]

# What only a release knows: `--build-arg VERSION=… --build-arg REVISION=… --build-arg CREATED=…`, and `--no-cache` with
# podman 4, which would take the labels of other arguments from its cache.
ARG BASE
ARG VERSION=development
ARG REVISION=unknown
ARG CREATED=1970-01-01T00:00:00Z
LABEL org.opencontainers.image.title="lenet5" \
      org.opencontainers.image.description="Reads handwritten and printed digits over HTTP with LeNet-5" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.base.name="$BASE" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.created="$CREATED"
