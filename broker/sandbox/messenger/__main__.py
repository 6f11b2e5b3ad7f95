"""The command `python -m broker.sandbox.messenger --config FILE`."""

import argparse
import sys
from pathlib import Path

from .server import serve


def main() -> int:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="messenger", description="A chat platform in the sandbox.")
    parser.add_argument("--config", type=Path, required=True, help="the JSON configuration file")
    return serve(parser.parse_args().config)


if __name__ == "__main__":
    sys.exit(main())
