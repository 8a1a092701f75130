"""`python -m impasto`: the command line without its console script."""

import sys

from impasto.cli.app import main

if __name__ == "__main__":
    sys.exit(main())
