"""The command `python -m broker.sandbox.mailbox --page-port N --mail-port M --links-to URL`."""

import argparse
import signal
import sys
import threading
from types import FrameType

from .arriving import MailServer
from .pages import PageServer
from .post import Post

_CANNOT_START = 2


def main() -> int:
    """Serve until asked to stop and return the exit status."""
    parser = argparse.ArgumentParser(prog="mailbox", description="Everybody's mail in the sandbox.")
    parser.add_argument("--page-port", type=int, required=True)
    parser.add_argument("--mail-port", type=int, required=True)
    parser.add_argument("--links-to", required=True, help="the address whose links can be followed")
    asked = parser.parse_args()
    post = Post()
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    try:
        with MailServer(asked.mail_port, post) as mails, PageServer(asked.page_port, post, asked.links_to) as pages:
            threading.Thread(target=mails.serve_forever, name="mails", daemon=True).start()
            pages.serve_forever()
    except OSError as error:
        sys.stderr.write(f"mailbox: cannot listen on its ports ({error.strerror})\n")
        return _CANNOT_START
    return 0


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


if __name__ == "__main__":
    sys.exit(main())
