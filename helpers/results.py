"""The whole ledger of a study: the rows of each section, one after the other."""

import pandas as pd

from helpers.cohort import Cohort
from helpers.errors import ParameterError
from helpers.estimates import Estimates, Source
from helpers.ledger import joined, merged
from helpers.sections import SECTIONS, left_out
from helpers.study import Study


def results(study: Study, cohort: Cohort | None = None, results_dir: str | None = None) -> pd.DataFrame:
    """Every row of the study's ledger, section by section; read from `results_dir` where sections left theirs there.

    `cohort` stands in the place of the patients the study file names. Raises ParameterError where no section left any.
    """
    if results_dir is not None:
        rows = merged(results_dir)
        if rows.empty:
            raise ParameterError("no section has left its results to read")
        return rows
    source, without = Source(study, cohort), left_out(study)
    wanted = [each.name for each in SECTIONS if each.rows and each.name not in without]
    return joined([Estimates(name, study, source).rows() for name in wanted])
