"""Refuse a Python that is too old, in words that every Python understands."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036  # this is the check that the requirement holds
    sys.exit(
        f"Leeway needs Python 3.11 or later; {sys.executable} is {sys.version.split()[0]}. Try: make PYTHON=python3.12"
    )
