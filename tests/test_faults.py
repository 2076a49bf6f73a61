"""Small valid studies that once cost a section or a number: each is whole, or says why a number is not there."""

import numpy as np
import pandas as pd
import pytest
from building import arms, categorical, cohort_of, continuous, endpoint

from helpers import cox, matching, sensitivity, simulate, tables, wording
from helpers.cohort import Cohort
from helpers.cox.models import TOO_WIDE
from helpers.errors import ParameterError
from helpers.ledger import INFINITE, melt, select, wide
from helpers.results import results

ARMS = arms("arm", "a", "b")
TREATED = {"column": "arm", "op": "==", "value": "b"}


def alternating(n: int, **columns: object) -> pd.DataFrame:
    """Patients in turn in either arm, dying one after the other."""
    return pd.DataFrame({"arm": (["a", "b"] * n)[:n], "time": np.arange(1.0, n + 1), "event": 1, **columns})


def test_a_share_that_two_sections_give_is_one_number(tmp_path):
    """24 of 57: 100 n / of and 100 (n / of) differ in the last bit."""
    assert 100 * 24 / 57 != 100 * (24 / 57)
    frame = alternating(57, event=[1] * 24 + [0] * 33, dose=["low", "mid", "high"] * 19)
    compared = {"name": "doses", "label": "Doses", "variable": "dose", "population": "primary", "pairwise": False}
    entries = {"variables": {"dose": categorical("low", "mid", "high"), "age": continuous(column="time")}}
    entries |= {"endpoints": {"OS": endpoint()}, "arms": ARMS}
    entries |= {"within_arm": [{**compared, "endpoints": ["OS"], "covariates": ["age"]}]}
    cohort = cohort_of(tmp_path / "study", frame, **entries)
    rows = results(cohort.study, cohort)
    shares = select(rows, analysis="count", endpoint="OS", statistic="percent", group="overall")
    assert shares["value"].tolist() == [100 * 24 / 57]


def test_an_arm_on_both_sides_of_the_only_value_of_the_other(tmp_path):
    ages = [40, 45, 50, 55, 60, 70, 80, 85, 55, 55]
    frame = alternating(10, age=ages).assign(arm=["a"] * 8 + ["b"] * 2)
    score = {"covariates": ["age"], "endpoints": ["OS"], "populations": ["primary"]}
    entries = {"arms": ARMS, "variables": {"age": continuous()}, "endpoints": {"OS": endpoint()}}
    cohort = cohort_of(tmp_path / "study", frame, propensity=score, **entries)
    found = matching.positivity(cohort)
    assert found[["group", "at", "n_outside", "n"]].to_numpy().tolist() == [["a", "55", 7, 8]]
    said = str(wording.positivity(melt([matching.scores(cohort), found], "04"), study=cohort.study))
    assert "7 of 8 patients of the arm “arm a” lie on either side of 55, the only value in the other arm" in said
    assert len(results(cohort.study, cohort)) > 100


def test_proportional_hazards_without_variance_have_no_test(tmp_path):
    """Two die at day 30, and at day 61 one is left: nothing can change with time."""
    frame = pd.DataFrame(
        {"arm": ["a", "b", "a", "b"], "x": ["39", "11", "", "12"], "time": [30, 61, 578, 30], "event": 1}
    )
    entries = {"arms": ARMS, "variables": {"x": continuous()}, "endpoints": {"OS": endpoint(unit="days")}}
    model = {"label": "M", "endpoints": ["OS"], "covariates": ["x"]}
    cohort = cohort_of(tmp_path / "study", frame, models={"m": model}, **entries)
    found = cox.proportionality(cohort).set_index("variable")
    assert found["p_proportional"].isna().all()
    assert {each["p_proportional"] for each in found["not_estimable"]} == {cox.diagnostics.NO_CHANGE}
    assert found["df"].tolist() == [1, 1]
    none = wide([], ["p_proportional"])
    (table,) = tables.proportionality(
        cox.proportionality(cohort), weighted=none, means=cox.mean_differences(cohort), study=cohort.study
    )
    assert cox.diagnostics.NO_CHANGE in table.csv()
    assert len(results(cohort.study, cohort)) > 50


def test_a_pooled_effect_without_a_p_value_says_why(tmp_path):
    rng = np.random.default_rng(9)
    n = 14
    time, event = np.round(rng.exponential(10, n) + 0.5, 1), (rng.random(n) < 0.6).astype(int)
    age, sex = rng.integers(40, 80, n), rng.choice(["f", "m", ""], n, p=[0.3, 0.3, 0.4])
    frame = pd.DataFrame({"arm": ["a", "b"] * 7, "time": time, "event": event, "age": age, "sex": sex})
    entries = {"arms": ARMS, "variables": {"age": continuous(), "sex": categorical("f", "m")}}
    entries |= {"endpoints": {"OS": endpoint()}, "imputation": {"draws": 2, "iterations": 2}}
    model = {"label": "M", "endpoints": ["OS"], "covariates": ["arm", "sex"]}
    cohort = cohort_of(tmp_path / "study", frame, models={"m": model}, **entries)
    found = cox.companions(cohort, models=cox.fitted_models(cohort), univariable=cox.univariable(cohort))
    rows = select(found, model="m:imputed", variable="sex").set_index("level")
    assert rows["p_overall"].isna().all()
    assert rows.loc["", "not_estimable"] == {"p_overall": TOO_WIDE}
    assert rows.loc["m", "not_estimable"]["p_wald"] == TOO_WIDE


def exposed(folder, frame: pd.DataFrame, **entries: object) -> Cohort:
    """A study whose treated begin half-way through their time, at an age and of a sex that some lack."""
    start = frame["time"].where(frame["arm"] == "b") / 2
    variables = {"age": continuous(), "sex": categorical("f", "m")}
    variables["start"] = continuous(unit="months", applies_when=TREATED, post_baseline=True)
    asked = {"start": "start", "before": "OS", "missing_start": "error", "same_time": "unexposed", "endpoints": ["OS"]}
    asked |= {"landmarks": [5], "grace": 10, "covariates": ["age", "sex"], "draws": 0}
    given = {"arms": ARMS, "variables": variables, "endpoints": {"OS": endpoint()}, "exposure": asked}
    return cohort_of(folder, frame.assign(start=start), **given, **entries)


def test_nobody_with_every_covariate_of_who_begins_when(tmp_path):
    known = np.arange(40) < 20
    ages = np.where(known, np.arange(40.0) + 40, np.nan)
    cohort = exposed(tmp_path / "study", alternating(40, age=ages, sex=np.where(known, "", "f")))
    found = sensitivity.clone_censor_weight(cohort)
    assert found["hr"].isna().all()
    reasons = {each["hr"] for each in found["not_estimable"] if "hr" in each}
    assert reasons == {"no patient has a value of every covariate that explains who begins when"}
    assert len(results(cohort.study, cohort)) > 200


def test_a_simulation_that_cannot_be_drawn_costs_its_table_alone(tmp_path):
    """The one who dies has no age: no event among the complete cases."""
    event = [1] + [0] * 39
    frame = alternating(40, event=event, age=np.where(np.array(event) == 1, np.nan, 50), sex="f").iloc[::-1]
    asked = {"endpoints": ["OS"], "hazard_ratios": [1]}
    cohort = exposed(tmp_path / "study", frame.assign(time=41 - frame["time"]), simulation=asked)
    stored = simulate.stored(cohort)
    why = "entry 'simulation': no event of 'OS' among the complete cases to draw from"
    assert (len(stored), stored.attrs["reason"]) == (0, why)
    assert simulate.simulate(cohort, draws=2).empty
    rows = results(cohort.study, cohort)
    assert "clone_censor_weight" in set(rows["analysis"])
    assert str(wording.simulation(rows, study=cohort.study, reason=stored.attrs["reason"])) == f"No simulation is shown: {why}."
    sizes = {"draws": 2, "hazard_ratios": None, "rows": None, "estimand_rows": 10_000, "workers": 1}
    with pytest.raises(ParameterError, match="no event of 'OS' among the complete cases"):
        simulate.check(cohort, **sizes)


def test_no_number_that_is_none_reaches_a_reader(tmp_path):
    frame = alternating(12, event=0, age=np.arange(50, 62))
    entries = {"arms": ARMS, "variables": {"age": continuous()}, "endpoints": {"OS": endpoint()}}
    entries |= {"univariable": [{"endpoints": ["OS"], "variables": ["arm"]}]}
    cohort = cohort_of(tmp_path / "study", frame, **entries)
    frames = [sensitivity.fixed(cohort)]
    effects = sensitivity.effects(frames, e_values=sensitivity.e_values(cohort.study, frames), study=cohort.study)
    (table,) = tables.sensitivity(effects, study=cohort.study)
    assert "nan" not in table.csv()
    assert "No analysis here has a hazard ratio, so there is no E-value." in table.notes


@pytest.mark.parametrize(("per", "reason"), [(1e9, cox.models.UNREADABLE), (1, "")])
def test_a_penalised_effect_too_large_to_be_told_has_a_reason(tmp_path, per, reason):
    """The arms are told apart by age, and whoever is older dies first: no finite estimate without a penalty."""
    frame = alternating(12, age=np.arange(72, 60, -1))
    entries = {"arms": ARMS, "variables": {"age": continuous(per=per)}, "endpoints": {"OS": endpoint()}}
    cohort = cohort_of(tmp_path / "study", frame, univariable=[{"endpoints": ["OS"], "variables": ["age"]}], **entries)
    found = cox.companions(cohort, models=[], univariable=cox.univariable(cohort))
    row = select(found, model="unadjusted:firth", variable="age")[lambda rows: rows["reference"] != ""].iloc[0]
    assert row["not_estimable"].get("hr", "") == reason
    assert not np.isinf(found[["hr", "hr_low", "hr_high"]].to_numpy()).any()
    (table,) = tables.penalised(found, study=cohort.study)
    assert not any(word in table.csv() for word in ("nan", "inf"))


def test_an_infinite_number_is_a_reason_in_every_frame():
    frame = wide([{"analysis": "count", "n": np.inf, "percent": 1.0}, {"n": 2.0, "percent": -np.inf}], ["n", "percent"])
    assert frame["n"].isna().tolist() == [True, False]
    assert frame["not_estimable"].tolist() == [{"n": INFINITE}, {"percent": INFINITE}]
