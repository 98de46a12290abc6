"""`python -m leeway` is the command."""

from leeway.cli import main

main()
