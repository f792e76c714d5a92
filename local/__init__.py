"""Daybook on one's own machine: the dependencies, the embedded servers and the processes of ./run and ./test."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - this file alone must be readable to any Python 3
    sys.exit("Daybook needs Python 3.11 or newer; %s is %d.%d." % ((sys.executable,) + sys.version_info[:2]))  # noqa: UP031, RUF005
