# The web server, the worker, beat and the migrations: one image, four commands (see docker-compose.yml).

FROM python:3.13-slim AS dependencies
COPY local/uv.txt requirements.txt /tmp/
RUN pip install --no-cache-dir --no-deps --require-hashes -r /tmp/uv.txt
RUN uv venv /venv \
 && uv pip sync --no-cache --compile-bytecode --require-hashes --python /venv/bin/python /tmp/requirements.txt

FROM python:3.13-slim
RUN useradd --system --uid 10001 --home-dir /nonexistent --shell /usr/sbin/nologin daybook
COPY --from=dependencies /venv /venv
COPY . /app
WORKDIR /app
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 BIND=0.0.0.0 PORT=8000 STATIC_ROOT=/app/static
# The settings want all three, and collecting static files uses none of them.
RUN SECRET_KEY=unused DATABASE_URL=postgres://unused REDIS_URL=redis://unused python manage.py collectstatic --no-input \
 && python -m compileall -q eventstore projections shop \
 && chmod -R a+rX .
USER daybook
EXPOSE 8000
# As from the proxy: where HTTP is sent on to HTTPS, a plain request would be as well.
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 CMD ["python", "-c", "\
import os, urllib.request as web; \
url = 'http://127.0.0.1:' + os.environ['PORT'] + '/healthz'; \
web.urlopen(web.Request(url, headers={'X-Forwarded-Proto': 'https'}), timeout=4)"]
CMD ["gunicorn", "shop.wsgi"]
