# syntax=docker/dockerfile:1
# Builds the wheel and its dependencies apart, so that the image holds neither a compiler nor pip's cache.
FROM python:3.13-slim AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY sanitizer sanitizer
COPY sinks sinks
COPY rules rules
COPY examples examples
RUN python -m venv /opt/sanitizer && /opt/sanitizer/bin/pip install --no-cache-dir ".[grpc,postgres]"

FROM python:3.13-slim
LABEL org.opencontainers.image.title="mcp-log-sanitizer" org.opencontainers.image.licenses="Apache-2.0"
RUN groupadd --gid 10001 sanitizer && useradd --uid 10001 --gid 10001 --no-create-home --shell /usr/sbin/nologin sanitizer \
    && install -d -o 10001 -g 10001 -m 0700 /var/lib/sanitizer
COPY --from=build /opt/sanitizer /opt/sanitizer
# The root file system may be read-only: state, and the compiled rules, go to the volume.
ENV PATH=/opt/sanitizer/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 XDG_CACHE_HOME=/var/lib/sanitizer/cache
VOLUME /var/lib/sanitizer
USER 10001:10001
# Healthy when there is no admin page to ask, or when it answers (a configuration turns it on with `[admin]`).
HEALTHCHECK --interval=30s --timeout=3s --start-period=15s CMD ["python", "-c", "import socket, sys, urllib.request as r\ns = socket.socket()\nsys.exit(0 if s.connect_ex(('127.0.0.1', 9464)) else r.urlopen('http://127.0.0.1:9464/healthz', timeout=2).status != 200)"]
ENTRYPOINT ["sanitizer"]
CMD ["run"]
