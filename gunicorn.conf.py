"""How gunicorn serves the shop; where, and with how many processes, says the environment."""

import os
from pathlib import Path

bind = f"{os.environ.get('BIND', '127.0.0.1')}:{os.environ.get('PORT', '8000')}"
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
worker_class = "gthread"
threads = 8
timeout = 60  # seconds without a sign of life from a worker process
graceful_timeout = 8  # seconds for requests under way; whoever stops us waits 10
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - signs of life never wait for a disk
accesslog = "-"
access_log_format = "%(m)s %(U)s %(s)s in %(M)s ms"  # no query: it may hold what is personal
