"""The ledger keeps its contract: vocabulary, keys, and the way there and back."""

import numpy as np
import pandas as pd
import pytest

from helpers import cox, describe, ledger, survival


def test_every_estimate_comes_back_from_its_rows(stent):
    for frame in (describe.counts(stent), survival.medians(stent), survival.rates(stent), cox.multivariable(stent)):
        back = ledger.pivot(ledger.melt([frame], "section"))
        names = [*ledger.WIDE_KEY, *ledger.statistics_of(frame)]
        told = frame[frame[ledger.statistics_of(frame)].notna().any(axis=1) | (frame["not_estimable"].map(len) > 0)]
        pd.testing.assert_frame_equal(back[names], told[names].reset_index(drop=True), check_exact=True)
        assert list(back["not_estimable"]) == list(told["not_estimable"])


def test_reading_gives_back_what_was_written_to_the_last_digit(stent, tmp_path, stent_ledger):
    rows = stent_ledger
    ledger.write(rows, tmp_path / "results.csv")
    pd.testing.assert_frame_equal(ledger.read(tmp_path / "results.csv"), rows, check_exact=True)


def test_what_cannot_be_estimated_is_a_row_without_value_and_with_its_reason(stent, stent_ledger):
    rows = stent_ledger
    empty = rows[rows["value"].isna()]
    assert len(empty) > 20
    assert (empty["method"] != "").all()
    assert set(empty["method"]) == {
        "not reached",
        "nobody is followed this long",
        "no interval where the rate is zero",
        "no event of this cause",
        "no event of this cause by then, so no interval",
        "only one arm can have this variable",
        "no patient can have this variable",
        "no patient has a known value",
        "no effect can be estimated",
        "nobody has it",
        "the naive interval includes 1",
        "no events",
        "no events in the reference level",
        "no events in this level",
        "no patients in this level",
        "no patients in one arm",
        "fewer than two levels have patients in both arms and events",
    }


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"analysis": "kaplanmeier"}, "analysis 'kaplanmeier' is not in the ledger's vocabulary"),
        ({"statistic": "hazard"}, "statistic 'hazard' is not in the ledger's vocabulary"),
        ({"statistic": "hr"}, "statistic 'hr' is none of kaplan_meier's"),
        ({"model": ""}, "a fitted row needs a model"),
        ({"at": "12.0"}, "`at` is written 12, not 12.0"),
    ],
)
def test_a_row_outside_the_vocabulary_is_refused(change, message):
    row = dict.fromkeys(ledger.COLUMNS, "") | {
        "analysis": "kaplan_meier",
        "model": "log",
        "statistic": "rate",
        "value": 1.0,
    }
    ledger.validate(pd.DataFrame([row], columns=ledger.COLUMNS))
    with pytest.raises(ValueError, match=message):
        ledger.validate(pd.DataFrame([row | change], columns=ledger.COLUMNS))
    with pytest.raises(ValueError, match="two rows share the key"):
        ledger.validate(pd.DataFrame([row, row], columns=ledger.COLUMNS))


def test_a_number_that_several_sections_give_is_one_row_up_to_its_last_bit():
    """41.17647058823529 % of 17 and 41.1764705882353: 100 n / of and 100 (n / of) are the same number."""
    row = dict.fromkeys(ledger.COLUMNS, "") | {"analysis": "count", "statistic": "percent", "value": 100 * 7 / 17}
    same, other = row | {"value": 100 * (7 / 17), "section": "05"}, row | {"value": 100 * (7 / 17) * (1 + 1e-11)}
    assert same["value"] != row["value"]
    frames = [pd.DataFrame([each], columns=ledger.COLUMNS) for each in (row, same, other)]
    assert ledger.joined(frames[:2])["value"].tolist() == [row["value"]]
    with pytest.raises(ValueError, match=r"one number has two values, 41\.17.* and 41\.17.*: analysis count, statistic"):
        ledger.joined(frames)
    empty = pd.DataFrame([row | {"value": np.nan}], columns=ledger.COLUMNS)
    assert len(ledger.joined([empty, empty, ledger.joined([])])) == 1
    with pytest.raises(ValueError, match="one number has two values, 41"):
        ledger.joined([frames[0], empty])


@pytest.mark.parametrize(("value", "text"), [(12.0, "12"), (12, "12"), (2.5, "2.5"), (0.0, "0"), (1e-5, "0.00001")])
def test_times_are_written_without_needless_decimals(value, text):
    assert ledger.at_label(value) == text


def test_every_statistic_has_a_meaning_and_every_analysis_its_statistics():
    assert set(ledger.STATISTICS_OF) == set(ledger.ANALYSES)
    assert {name for names in ledger.STATISTICS_OF.values() for name in names} == set(ledger.STATISTICS)


def test_select_works_on_rows_and_on_frames(gbsg2):
    frame = survival.medians(gbsg2)
    assert np.isclose(ledger.select(frame, group="yes", model="log")["median"].iloc[0] * 30.4375, 2018)
    assert len(ledger.select(frame, group=["yes", "no"])) == 4
