#!/usr/bin/env python3
"""Django's command-line utility for administrative tasks."""

import os
import sys


def main():
    """Run administrative tasks."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
    try:
        from django.core.management import execute_from_command_line
    except ImportError as exc:
        from local import environment

        environment.enter()  # the Python of .venv, where Django is
        raise ImportError("Couldn't import Django: start ./run or ./test once, or install requirements.txt.") from exc
    if not os.environ.get("DATABASE_URL"):
        from local import environment

        environment.join()  # the running ./run
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
