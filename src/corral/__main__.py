"""`python -m corral`: the command line."""

from corral.cli.main import main

main()
