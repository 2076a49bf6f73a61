"""`python -m helpers`: whatever moment it is stopped at, it ends in one sentence."""

import signal
import sys


class Terminated(KeyboardInterrupt):
    """The process was asked to end."""


def _terminate(*_: object) -> None:
    raise Terminated


def main(arguments: list[str] | None = None) -> int:
    """Run a command; mistakes of the user end in one sentence and exit code 1."""
    try:
        if hasattr(signal, "SIGTERM") and signal.getsignal(signal.SIGTERM) == signal.SIG_DFL:
            signal.signal(signal.SIGTERM, _terminate)
    except ValueError:
        pass
    try:
        from helpers.commands import run

        return run(arguments)
    except KeyboardInterrupt as stop:
        print("Stopped; what was there before is as it was.", file=sys.stderr)
        return 143 if isinstance(stop, Terminated) else 130


if __name__ == "__main__":
    sys.exit(main())
