"""The whole ledger in a plain session, and the same from the notebooks."""

import pandas as pd
import pytest

from helpers import ledger
from helpers.errors import ParameterError
from helpers.results import results
from helpers.sections import SECTIONS, left_out


@pytest.mark.parametrize("name", ["gbsg2", "stent"])
@pytest.mark.slow
def test_the_ledger_is_the_same_twice_with_a_store_and_without(name, request):
    cohort, kept = request.getfixturevalue(name), request.getfixturevalue(f"{name}_ledger")
    pd.testing.assert_frame_equal(results(cohort.study, cohort), kept, check_exact=True)
    pd.testing.assert_frame_equal(results(cohort.study), kept, check_exact=True)
    whole(cohort, kept)


def test_the_papers_ledger_is_whole(ctrt, ctrt_ledger):
    whole(ctrt, ctrt_ledger)


def whole(cohort, one):
    """Every section is there, and nothing but the study's own names."""
    assert list(dict.fromkeys(one["section"])) == [
        each.name for each in SECTIONS if each.rows and each.name not in left_out(cohort.study)
    ]
    assert set(one["population"]) <= set(cohort.study.all_populations)
    assert set(one["endpoint"]) == {"", *cohort.study.endpoints}
    assert not one.duplicated(ledger.KEY).any()


def test_known_numbers_of_the_real_study(gbsg2, gbsg2_ledger):
    rows = gbsg2_ledger

    def value(**key):
        found = ledger.select(rows, population="primary", **key)
        assert len(found) == 1, key
        return found["value"].iloc[0]

    assert value(analysis="count", variable="tgrade", level="III", group="yes", statistic="n") == 50
    assert value(analysis="count", endpoint="RFS", group="overall", statistic="n_event") == 299
    horth = {"variable": "horTh", "level": "yes", "statistic": "hr"}
    assert value(analysis="cox_univariable", **horth) == pytest.approx(0.6949, abs=5e-5)
    assert value(analysis="cox_multivariable", model="adjusted", **horth) == pytest.approx(0.7073, abs=5e-5)
    assert value(analysis="log_rank", statistic="chi_square") == pytest.approx(8.5648, abs=5e-5)


def test_rows_left_by_sections_are_read_and_not_computed_again(stent, tmp_path, stent_ledger):
    rows = stent_ledger
    for section, part in rows.groupby("section"):
        ledger.write(part, tmp_path / f"{section}.csv")
    pd.testing.assert_frame_equal(results(stent.study, results_dir=str(tmp_path)), rows, check_exact=True)


def test_results_are_not_invented_where_none_were_left(stent, tmp_path):
    with pytest.raises(ParameterError, match="no section has left its results to read"):
        results(stent.study, results_dir=str(tmp_path))
    with pytest.raises(ParameterError, match="is not a folder"):
        ledger.leave([], "x", str(tmp_path / "absent"))
