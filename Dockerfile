# syntax=docker/dockerfile:1
FROM python:3.12-slim AS packages
COPY requirements.txt /
RUN python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes \
        --requirement /requirements.txt

FROM python:3.12-slim AS app
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin leadcrm \
    && install --directory --owner leadcrm --group leadcrm /app /app/var /app/var/media /app/var/spool
COPY --from=packages /venv /venv
WORKDIR /app
COPY . .
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    DJANGO_SETTINGS_MODULE=leadcrm.settings
# Static files need settings, not servers: these addresses are never used.
RUN DATABASE_URL=postgres://build@127.0.0.1/build REDIS_URL=redis://127.0.0.1 \
    EMAIL_URL=smtp://127.0.0.1 SECRET_KEY=only-while-the-image-is-built-0123456789abcdef \
    python manage.py collectstatic --no-input --verbosity 0 \
    && chown --recursive leadcrm:leadcrm /app/var
USER leadcrm
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
    CMD ["python", "-m", "leadcrm.healthcheck"]
CMD ["granian", "--interface", "wsgi", "--host", "0.0.0.0", "--port", "8000", \
     "--workers", "2", "--blocking-threads", "8", "--no-ws", "--respawn-failed-workers", \
     "--workers-kill-timeout", "30", "leadcrm.wsgi:application"]
