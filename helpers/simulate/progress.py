"""How far a long run is, on standard error: one line rewritten on a terminal, a line every tenth elsewhere."""

import sys
import time
from collections.abc import Callable


def reported(what: str) -> Callable[[int, int], None]:
    """A function to call with what is done and how much there is."""
    began, tenth = time.monotonic(), -1

    def say(done: int, total: int) -> None:
        nonlocal tenth
        left = (time.monotonic() - began) / done * (total - done)
        text = f"{what}: {done} of {total}, {left:.0f} s left"
        if sys.stderr.isatty():
            print(f"\r{text}\033[K", end="\n" if done == total else "", file=sys.stderr, flush=True)
        elif 10 * done // total > tenth:
            tenth = 10 * done // total
            print(text, file=sys.stderr, flush=True)

    return say
