"""Refuse a Python that is too old, in words that every Python understands."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036  # this is the check that the requirement holds
    has = sys.version.split()[0]
    sys.exit("Leeway needs Python 3.11 or later; " + sys.executable + " is " + has + ". Try: make PYTHON=python3.12")
