"""`simulate`: cohorts with a known effect, drawn to see how every way of analysing them errs."""

import argparse
import os
import time

from helpers.commands import printed
from helpers.study import read_study, relative


def simulate(given: argparse.Namespace) -> int:
    """Draw the cohorts, keep what they came to beside the study, and say it."""
    from helpers import simulate, tables, wording
    from helpers.cohort import read_cohort

    began = time.monotonic()
    cohort = read_cohort(read_study(given.study))
    study, ratios, workers = cohort.study, given.hazard_ratio, given.workers
    output = given.output or study.simulation_path
    sizes = {"draws": given.draws, "rows": given.rows, "estimand_rows": given.estimand_rows}
    simulate.check(cohort, hazard_ratios=ratios, workers=workers, **sizes)
    simulate.check_output(output)
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    asked = {"hazard_ratios": ratios, "workers": workers}
    expected = simulate.estimands(cohort, rows=given.estimand_rows, progress=simulate.reported("Limits"), **asked)
    frame = simulate.simulate(
        cohort, draws=given.draws, rows=given.rows, estimands=expected, progress=simulate.reported("Cohorts"), **asked
    )
    rows = simulate.save(frame, output)
    (table,) = tables.simulation(frame, study=study)
    print(table.title)
    printed([table.header, *(row.cells for row in table.rows)])
    print(*wording.simulation(rows, study=study).sentences, sep="\n")
    print(f"{relative(output)}, {time.monotonic() - began:.0f} s on {workers} processes")
    return 0
