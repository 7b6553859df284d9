"""``python -m orchestration``: the command line."""

from orchestration.cli import main

main()
