"""Where the report draws a line, and says so wherever it does: shares, numbers of events and of patients."""

COSTLY = 0.1
FEW_EVENTS = 10
UNBALANCED = 0.1
COMMON = 0.15
POWER = 0.8
MANY = 5000
FEWEST = 200
SAME = 1e-12


def shortened(draws: int, patients: int) -> int:
    """How many bootstrap samples are drawn: all up to `MANY` patients, then fewer as these grow, at least `FEWEST`."""
    return draws if patients <= MANY else min(draws, max(FEWEST, draws * MANY // patients))
