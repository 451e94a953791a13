"""Waiting for events: always with a deadline, never longer than the event needs."""
import time

from harness import world


class Late(AssertionError):
    """Something that was promised within a time had not come by then."""


def until(condition, seconds, what, interval=0.004):
    """Calls `condition` until it returns something true and returns that.

    `seconds` is multiplied by the build's factor. OSError of the condition counts as "not yet":
    a port that is still closed is the usual case."""
    deadline = time.monotonic() + world.scaled(seconds)
    trouble = None
    while True:
        try:
            result = condition()
            if result:
                return result
            trouble = result
        except OSError as error:
            trouble = error
        if time.monotonic() >= deadline:
            raise Late(f"not within {world.scaled(seconds):.2f} s: {what} (last: {trouble!r})")
        time.sleep(interval)


def within(seconds, since, what):
    """Asserts that less than `seconds`, times the build's factor, have passed since then."""
    passed = time.monotonic() - since
    if passed > world.scaled(seconds):
        raise Late(f"{what}: took {passed:.3f} s, allowed {world.scaled(seconds):.3f} s")
    return passed
