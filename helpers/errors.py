"""What can be wrong with what the user gave; each is one plain sentence and never shows a traceback."""

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """Base of all mistakes a user can mend; its text is the whole message, characters that cannot be shown replaced."""

    def __init__(self, message: str = "") -> None:
        super().__init__("".join(each if each.isprintable() or each == "\n" else "\ufffd" for each in message))

    def _render_traceback_(self) -> list[str]:
        """Make Jupyter print the sentence alone."""
        return [f"{type(self).__name__}: {self}"]


class StudyError(UserError):
    """The study file is missing, broken or contradicts itself."""


class CohortError(UserError):
    """The patients' table does not fit the study file."""


class ParameterError(UserError):
    """A notebook or command was given a parameter it does not have or cannot use."""


class OutputError(UserError):
    """Results cannot be written where they were asked for."""


def nearest(name: str, known: Iterable[str]) -> str:
    """`; did you mean 'x'?` for the known name closest to a misspelt one, else an empty string."""
    folded = {str(each).casefold(): str(each) for each in known}
    close = difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=0.6)
    return f"; did you mean '{folded[close[0]]}'?" if close else ""


def listed(values: Iterable[object], limit: int = 12) -> str:
    """Quoted values joined by commas, cut after `limit`."""
    quoted = [f"'{value}'" for value in values]
    return ", ".join(quoted[:limit]) + (f" and {len(quoted) - limit} more" if len(quoted) > limit else "")
