"""`python -m striate` is the `striate` command."""

from striate.cli.main import main

main()
