"""Starts one bank: `python -m broker.sandbox.bank --config FILE`.

It is imported without searches for garbage: there is none yet, and they take an eighth of the start.
"""

import gc
import sys

gc.disable()

from broker.sandbox.bank.server import main  # noqa: E402 - see above

gc.freeze()
gc.enable()

if __name__ == "__main__":
    sys.exit(main())
