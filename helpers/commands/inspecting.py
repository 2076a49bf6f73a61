"""`check` and `scorecard`: whether the input fits, and what a paper printed beside what is computed."""

import argparse
import sys

from helpers.commands import printed
from helpers.errors import UserError
from helpers.study import read_study, relative


def check(given: argparse.Namespace) -> int:
    """Every entry of the study file against the table, fitting or not; 1 where something does not."""
    from helpers.cohort import examine
    from helpers.scorecard import published

    study = read_study(given.study)
    findings = examine(study)
    header = ("Entry", "Column", "Expected", "Found", "")
    lines = [header, *((f.entry, f.column, f.expected, f.found, "PROBLEM" if f.problem else "fits") for f in findings)]
    printed(lines)
    problems = [finding.problem for finding in findings if finding.problem]
    if study.published_path.is_file():
        try:
            published(study)
        except UserError as error:
            problems.append(str(error))
    for problem in problems:
        print(f"Error: {problem}", file=sys.stderr)
    if not problems:
        print(f"{relative(study.file)} and {study.source_name} fit.")
    return 1 if problems else 0


def scorecard(given: argparse.Namespace) -> int:
    """How many printed numbers are computed, and agree, by table."""
    from helpers import scorecard, tables, wording
    from helpers.results import results

    study = read_study(given.study)
    numbers = scorecard.published(study)
    scored = scorecard.scorecard(numbers, results(study))
    places = scorecard.by_place(scored)
    print(*wording.scorecard(places, study=study).sentences, sep="\n")
    for table in (
        tables.agreement(places, study=study),
        tables.differing(scored, study=study),
        tables.awaiting(scorecard.not_computed(scored), study=study),
    ):
        print(f"\n{table.title}")
        printed([table.header, *(row.cells for row in table.rows)])
    return 0
