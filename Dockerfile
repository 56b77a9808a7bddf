# One image for worker, web and the command line. docker-compose.yml says which it is, and as which user.
# Packages are exactly those of requirements.lock, checked by their hashes; those of development are left out.

FROM python:3.11.14-slim AS build
WORKDIR /build
COPY pyproject.toml requirements.lock ./
COPY tools/locked_part.py tools/
RUN python3 -m venv /opt/thidua && python3 -m venv /opt/builder \
 && python3 tools/locked_part.py > /tmp/program.lock \
 && python3 tools/locked_part.py hatchling babel > /tmp/builder.lock \
 && /opt/builder/bin/python -m pip install --no-cache-dir --no-deps --require-hashes --requirement /tmp/builder.lock \
 && /opt/thidua/bin/python -m pip install --no-cache-dir --no-deps --require-hashes --requirement /tmp/program.lock
COPY . .
RUN /opt/builder/bin/python -m hatchling build -t wheel -d /tmp/wheel \
 && /opt/thidua/bin/python -m pip install --no-cache-dir --no-deps --no-index /tmp/wheel/*.whl \
 && mkdir -p /opt/thidua/share/templates && cd /opt/thidua/lib/python3.11/site-packages/thidua \
 && PYTHONPATH=. /opt/thidua/bin/python -c 'from web.render import load_templates; load_templates()' \
 && /opt/thidua/bin/python -m pip uninstall --yes --quiet pip setuptools

FROM python:3.11.14-slim
# A user for each part. A new volume gets the owner of the folder that it is mounted on, so nothing is handed over later.
RUN groupadd --gid 10000 operator-thidua && useradd --uid 10000 --gid 10000 --no-create-home operator-thidua \
 && groupadd --gid 10001 worker && useradd --uid 10001 --gid 10001 --no-create-home worker \
 && groupadd --gid 10002 web && useradd --uid 10002 --gid 10002 --no-create-home web \
 && install -d -m 700 -o 10000 -g 10000 /data /backups /parts /parts/backup \
 && install -d -m 700 -o 10001 -g 10001 /parts/worker /var/lib/thidua/worker \
 && install -d -m 700 -o 10002 -g 10002 /parts/web /var/lib/thidua/web \
 && install -d -m 700 -o 1000 -g 1000 /parts/temporal \
 && install -d -m 755 -o 10000 -g 10000 /var/lib/thidua/backed-up \
 && install -d -m 2750 -o 10001 -g 10000 /parts/checkpoints /var/lib/thidua/checkpoints \
 && chmod 755 /parts
COPY --from=build /opt/thidua /opt/thidua
COPY ops/daily-backup.sh /usr/local/bin/daily-backup
RUN chmod 755 /usr/local/bin/daily-backup
ENV PATH=/opt/thidua/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONPATH=/opt/thidua/lib/python3.11/site-packages/thidua \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/tmp \
    THIDUA_DATA=/data \
    THIDUA_CACHE=/tmp/cache \
    THIDUA_LOGS=/data/logs
USER 10000:10000
WORKDIR /
# THIDUA_HEALTH is an address that answers while the part works. Whatever runs once, sets none.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=6 \
  CMD ["python", "-c", "import os, urllib.request as u; (a := os.environ.get('THIDUA_HEALTH')) and u.urlopen(a, timeout=4)"]
CMD ["thidua", "--help"]
