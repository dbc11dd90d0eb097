# syntax=docker/dockerfile:1
# Any image of Python 3.11 or later, such as one of your own registry: --build-arg BASE=...
ARG BASE=python:3.13-slim

# Builds the wheel and its dependencies apart, so that the image holds neither a compiler nor pip's cache.
FROM ${BASE} AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY sanitizer sanitizer
COPY sinks sinks
COPY rules rules
COPY examples examples
RUN python3 -m venv /opt/sanitizer && /opt/sanitizer/bin/pip install --no-cache-dir ".[grpc,postgres]"

FROM ${BASE}
LABEL org.opencontainers.image.title="mcp-log-sanitizer" org.opencontainers.image.licenses="Apache-2.0"
RUN groupadd --gid 10001 sanitizer && useradd --uid 10001 --gid 10001 --no-create-home --shell /usr/sbin/nologin sanitizer \
    && install -d -o 10001 -g 10001 -m 0700 /var/lib/sanitizer
COPY --from=build /opt/sanitizer /opt/sanitizer
# The root file system may be read-only: state goes to the volume, and so do rules of one's own once they are compiled. The shipped
# ones are compiled here, so that a container starts at once and needs no memory for it.
ENV PATH=/opt/sanitizer/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    SANITIZER_CACHE_DIR=/var/lib/sanitizer/cache:/opt/sanitizer/compiled
RUN SANITIZER_CACHE_DIR=/opt/sanitizer/compiled sanitizer run </dev/null && chmod -R a+rX /opt/sanitizer/compiled
VOLUME /var/lib/sanitizer
USER 10001:10001
# Healthy when there is no admin page to ask, or when it answers (a configuration turns it on with `[admin]`).
HEALTHCHECK --interval=30s --timeout=3s --start-period=15s CMD ["python", "-c", "import socket, sys, urllib.request as r\ns = socket.socket()\nsys.exit(0 if s.connect_ex(('127.0.0.1', 9464)) else r.urlopen('http://127.0.0.1:9464/healthz', timeout=2).status != 200)"]
ENTRYPOINT ["sanitizer"]
CMD ["run"]
