"""The command `python -m broker.sandbox.messenger --config FILE`.

It is imported without searches for garbage: there is none yet, and they take an eighth of the start.
"""

import argparse
import gc
import sys
from pathlib import Path

gc.disable()

from .server import serve  # noqa: E402 - see above

gc.freeze()
gc.enable()


def main() -> int:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="messenger", description="A chat platform in the sandbox.")
    parser.add_argument("--config", type=Path, required=True, help="the JSON configuration file")
    return serve(parser.parse_args().config)


if __name__ == "__main__":
    sys.exit(main())
