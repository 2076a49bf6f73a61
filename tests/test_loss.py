"""Loss to follow-up: R's reverse log-rank test, completeness and bounds worked by hand, what a reader is told."""

import numpy as np
import pandas as pd
import pytest
from agreement import Key, compare
from building import arms, cohort_of, continuous, endpoint
from public import load

from helpers import cox, tables, wording
from helpers.cells import plain
from helpers.ledger import melt, select
from helpers.loss import completeness, loss

OUTCOMES = {
    "veteran": ("trt", "time", "status", 1),
    "rotterdam": ("hormon", "dtime", "death", 1),
    "pbc": ("trt", "time", "status", 2),
    "gbsg": ("hormon", "rfstime", "status", 1),
    "flchain": ("sex", "futime", "death", 1),
    "jasa": ("surgery", "futime", "fustat", 1),
}
FROM_ZERO = ("flchain", "jasa")


def public(folder, name: str):
    """A study of a public data set, time counted from one where it has zeros."""
    frame, (arm, time, event, died) = load(name), OUTCOMES[name]
    table = pd.DataFrame({"arm": frame[arm].map(plain), "time": frame[time] + (name in FROM_ZERO), "x": 1})
    table["event"] = (frame[event] == died).astype(int)
    first, second = sorted(table["arm"].unique())
    given = {"variables": {"x": continuous()}, "endpoints": {"OS": endpoint(unit="days")}}
    return cohort_of(folder, table, arms=arms("arm", first, second), **given)


def test_the_reverse_log_rank_test_is_rs(tmp_path, record_property):
    computed: dict[Key, float] = {}
    for name in OUTCOMES:
        row = select(loss(public(tmp_path / name, name)), model="reverse").iloc[0]
        values = {"n": row["n"], "nevent": row["n_censored"], "chisq": row["chi_square"], "p": row["p_log_rank"]}
        values |= {"coef": row["log_hr"], "se": row["log_hr_se"], "hr": row["hr"]}
        values |= {"hr_lcl": row["hr_low"], "hr_ucl": row["hr_high"]}
        computed |= {(name, "reverse", "arm", each): value for each, value in values.items()}
    compare("loss.csv", computed, record_property)


def test_completeness_by_hand():
    """Seen 6 + 12 + 3 + 12 of 6 + 12 + 12 + 12 months; with a study that closed at month 9 for the third, of 9."""
    time, event = np.array([6.0, 20, 3, 12]), np.array([True, False, False, True])
    nothing = np.full(4, np.nan)
    assert completeness(time, event, 12, nothing) == pytest.approx(33 / 42)
    assert completeness(time, event, 12, np.array([30.0, 20, 9, 40])) == pytest.approx(33 / 39)
    assert completeness(time, event, 12, np.array([30.0, 20, 3, 40])) == 1
    assert np.isnan(completeness(np.zeros(0), np.zeros(0, bool), 12, np.zeros(0)))


FEW = pd.DataFrame(
    {
        "arm": ["a"] * 5 + ["b"] * 5,
        "os": [6, 20, 3, 12, 30, 8, None, 15, 24, 26],
        "died": [1, 0, 0, 1, 1, 1, 1, 0, 1, 1],
        "pfs": [5, 10, 3, 9, 11, 4, 7, 12, 20, 22],
        "progressed": [1, 1, 0, 1, 1, 1, 1, 1, 1, 1],
        "x": 1,
    }
)


@pytest.fixture
def few(tmp_path):
    points = {
        "OS": endpoint("os", "died", missing_time="exclude", label="Overall survival"),
        "PFS": endpoint("pfs", "progressed", label="Progression-free survival", event_label="progression"),
    }
    return cohort_of(tmp_path, FEW, arms=arms("arm", "a", "b"), variables={"x": continuous()}, endpoints=points)


def test_shares_followed_and_events_without_a_time_by_hand(few):
    rows = select(loss(few), endpoint="OS")
    followed = select(rows, model="followed", at="12").set_index("group")
    assert followed["n"].to_dict() == {"overall": 9, "a": 5, "b": 4}
    assert followed["percent_followed"].to_dict() == pytest.approx({"overall": 800 / 9, "a": 80, "b": 100})
    assert followed.loc["a", "percent_complete"] == pytest.approx(100 * (6 + 12 + 3 + 12 + 12) / (6 + 12 * 4))
    assert select(rows, model="untimed").set_index("group")["n_event"].to_dict() == {"overall": 1, "a": 0, "b": 1}
    for model, time, event in (("early", 7, 1), ("late", 30, 0)):
        filled = FEW.assign(os=FEW["os"].fillna(time), died=FEW["died"].mask(FEW["os"].isna(), event))
        points = {"OS": endpoint("os", "died")}
        given = {"variables": {"x": continuous()}, "endpoints": points, "univariable": ONE}
        whole = cohort_of(few.study.folder / model, filled, arms=arms("arm", "a", "b"), **given)
        expected = select(cox.univariable(whole), level="b").iloc[0]
        found = select(rows, model=model).iloc[0]
        assert found[["hr", "hr_low", "hr_high"]].tolist() == expected[["hr", "hr_low", "hr_high"]].tolist()
        assert found[["n", "n_event"]].tolist() == [10, 6 + event]


ONE = [{"endpoints": ["OS"], "variables": ["arm"]}]


def test_with_dates_who_reached_the_cut_off_was_not_lost(stent):
    rows = select(loss(stent), model="followed", endpoint="OS", group="overall")
    data = stent.outcome("OS")
    at = rows["at"].iloc[0]
    reached = stent.potential["OS"].loc[data.index] <= data["time"] + 1e-9
    kept = data["event"] | (data["time"] >= float(at)) | reached
    assert rows["percent_followed"].iloc[0] == pytest.approx(100 * kept.mean())
    assert reached.any()


def test_what_a_reader_is_told(few):
    frame = loss(few)
    table = tables.loss(frame, study=few.study)
    assert "no dates" in " ".join(table.notes)
    assert {len(row.cells) for row in table.rows} == {len(table.header)} == {sum(n for _, n in table.spanners)}
    said = wording.lost(melt([frame], "x"), study=few.study).sentences
    assert "followed with “arm a” and “arm b”: to month 12 80% and 100%" in said[0]
    untimed = next(each for each in said if "at a time not known" in each)
    assert untimed.startswith("Overall survival: 1 patient had the event at a time not known (0 “arm a”, 1 “arm b”)")
    early = select(frame, model="early").iloc[0]
    assert f"would be {early['hr']:.2f} (" in untimed
    assert not any("arms were not lost alike" in each for each in said)


def test_an_event_that_ends_the_follow_up_of_another_is_told(tmp_path):
    """Deaths end the follow-up of a recurrence; a recurrence does not end that of death."""
    table = FEW.assign(os=[6, 20, 3, 12, 30, 8, 9, 15, 24, 26], rec=[5, 20, 3, 12, 11, 8, 7, 12, 20, 26])
    table["recurred"] = [1, 0, 0, 0, 1, 0, 1, 1, 1, 0]
    points = {
        "OS": endpoint("os", "died", label="Overall survival"),
        "TTR": endpoint("rec", "recurred", label="Time to recurrence", event_label="recurrence"),
    }
    cohort = cohort_of(tmp_path, table, arms=arms("arm", "a", "b"), variables={"x": continuous()}, endpoints=points)
    rows = select(loss(cohort), model="ended")
    assert rows[["endpoint", "level", "n_censored"]].to_numpy().tolist() == [["TTR", "OS", 3]]
    said = wording.lost(melt([loss(cohort)], "x"), study=cohort.study).sentences
    told = next(each for each in said if each.startswith("In 3 patients the follow-up of time to recurrence ends with"))
    assert "one minus the curve overstates how many have recurrence" in told
