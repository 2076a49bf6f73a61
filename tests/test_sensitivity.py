"""The effect of treatment when time is counted as it passed: R's values, the Stanford programme, cases by hand."""

import re
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from agreement import Key, analyses, compare, reference
from building import arms, categorical, cohort_of, continuous, endpoint
from public import load, stanford
from scipy import optimize, stats

from helpers import cox, survival
from helpers.cohort import Cohort
from helpers.cox import diagnostics
from helpers.cox.diagnostics import treatment_alone
from helpers.errors import ParameterError
from helpers.ledger import E_VALUES, STATISTICS_OF, at_label, melt, pivot, select, wide
from helpers.sensitivity import clock, e_value, e_values, fitted_exposures, fixed, landmarks, time_dependent
from helpers.sensitivity.e_values import risk_ratio
from helpers.sensitivity.exposure import HALF_DAY, exposed, models, pieces
from helpers.sensitivity.landmarks import at_landmark
from helpers.study.analyses import WithinArm

MONTH = 30.4375
EFFECT = {"coef": "log_hr", "se": "log_hr_se", "p": "p_wald", "hr": "hr", "hr_lcl": "hr_low", "hr_ucl": "hr_high"}
WHOLE = {"n": "n", "nevent": "n_event", "loglik": "log_likelihood", "lrt_p": "p_lrt"}
BEGINS = {"colon_wide": ["rx", "age", "sex", "node4"], "rotterdam": ["hormon", "age", "nodes", "grade"]}
LANDMARK = {"colon_wide": ["rx", "age", "node4"], "rotterdam": ["hormon", "age", "nodes"]}
STANFORD = {0: "unadjusted", 2: "adjusted", 3: "with_year"}


def exposure(**entries: object) -> dict:
    """An [exposure] whose start is `start`."""
    given = {"start": "start", "before": "OS", "missing_start": "error", "same_time": "unexposed", "endpoints": ["OS"]}
    given |= {"models": [], "landmarks": [2], "grace": 1, "covariates": ["age"], "draws": 0}
    return {**given, **entries}


def started(unit: str) -> dict:
    """The variable that holds when treatment began, in who is in the arm `yes`."""
    applies = {"column": "treated", "op": "==", "value": "yes"}
    return continuous(unit=unit, applies_when=applies, post_baseline=True)


def recurrence(folder, dataset: str) -> Cohort:
    """Recurrence as what begins, death as the outcome; in who recurs on the last day it never begins."""
    frame = load(dataset).copy()
    happened, when = ("TTR_event", "TTR_time") if dataset == "colon_wide" else ("recur", "rtime")
    frame["treated"] = frame[happened].map({0: "no", 1: "yes"})
    frame["start"] = frame[when].where(frame[happened] == 1)
    factors = {"rx": categorical("Obs", "Lev", "Lev+5FU")}
    names = list(dict.fromkeys([*BEGINS[dataset], *LANDMARK[dataset]]))
    lists = {"begins": BEGINS[dataset], "landmark": LANDMARK[dataset]}
    return cohort_of(
        folder / dataset,
        frame[["treated", "start", "OS_time", "OS_event", *names]],
        arms=arms("treated", "no", "yes"),
        variables={**{name: factors.get(name, continuous()) for name in names}, "start": started("days")},
        endpoints={"OS": endpoint("OS_time", "OS_event", "days")},
        models={
            name: {"label": name, "endpoints": ["OS"], "covariates": ["treated", *each]} for name, each in lists.items()
        },
        exposure=exposure(models=list(lists)),
    )


def numbers(frame: pd.DataFrame, terms: list[str]) -> pd.DataFrame:
    """Covariates, and products of two of them, as R has them."""
    found: dict[str, pd.Series] = {}
    for term in terms:
        if term == "rx":
            found |= {f"rx{level}": (frame["rx"] == level) * 1.0 for level in ("Lev", "Lev+5FU")}
        else:
            columns = [frame[name] for name in term.split(":")]
            numeric = [each if pd.api.types.is_numeric_dtype(each) else each == "yes" for each in columns]
            found[term] = np.prod([each.astype(float) for each in numeric], axis=0)
    return pd.DataFrame(found, index=frame.index)


def from_the_kernel(key: tuple[str, str], frame: pd.DataFrame) -> dict[Key, float]:
    """A Cox model on rows with `entry`, `time` and `event`, and the tests that R makes of it."""
    terms, ties = re.fullmatch(r"[^|]*\|(.*)\|ties=(\w+)", key[1]).groups()
    x = numbers(frame, terms.split("+"))
    given = {"start": frame["entry"].to_numpy(), "ties": ties}
    time, event = frame["time"].to_numpy(), frame["event"].to_numpy()
    full, null = cox.fit(x, time, event, **given), cox.fit(x[[]], time, event, **given)
    chi_square, p = cox.wald(full, list(x.columns))
    ratio = 2 * (full.log_likelihood - null.log_likelihood)
    found = {"nrow": len(frame), "nevent": event.sum(), "loglik": full.log_likelihood, "lrt_chisq": ratio}
    found |= {"loglik_null": null.log_likelihood, "lrt_p": stats.chi2.sf(ratio, x.shape[1])}
    people = frame["id"].nunique() if "id" in frame else len(frame)
    found |= {"n": people, "wald_chisq_unrounded": chi_square, "wald_p": p}
    found = {(*key, "model", name): value for name, value in found.items()}
    for name in x:
        coef, se = full.log_hr[name], np.sqrt(full.covariance.loc[name, name])
        hr = np.exp(coef + se * stats.norm.ppf([0.5, 0.025, 0.975]))
        values = {"coef": coef, "se": se, "z": coef / se, "p": 2 * stats.norm.sf(abs(coef / se))}
        values |= dict(zip(("hr", "hr_lcl", "hr_ucl"), hr, strict=True))
        found |= {(*key, name, statistic): value for statistic, value in values.items()}
    return found


def from_rows(key: tuple[str, str], rows: pd.DataFrame, cohort: Cohort, treatment: str) -> dict[Key, float]:
    """What the project's rows say of one model."""
    whole = select(rows, variable="", group="").iloc[0]
    found = {(*key, "model", name): whole[column] for name, column in WHOLE.items()}
    for _, row in rows[rows["hr"].notna()].iterrows():
        term = row["variable"] + (row["level"] if row["level"] != "yes" else "")
        term = treatment if row["variable"] == cohort.study.arms.column else term
        found |= {(*key, term, name): row[column] for name, column in EFFECT.items()}
        found[(*key, term, "z")] = row["log_hr"] / row["log_hr_se"]
    return found


def begun(cohort: Cohort, whole: pd.DataFrame, key: tuple[str, str], model: str, treatment: str) -> dict[Key, float]:
    """One model of an exposure that begins, out of the rows of all."""
    covariates = models(cohort, "OS", "primary")[model].covariates
    known, start, _ = exposed(cohort, "OS", "primary", covariates)
    rows = pieces(cohort.study, known, start)
    rows = rows.rename(columns={cohort.study.arms.column: treatment})
    return from_the_kernel(key, rows) | from_rows(key, select(whole, model=model), cohort, treatment)


def month(analysis: str) -> float:
    """The landmark of an analysis, whose days are in its name."""
    return float(re.match(r"landmark=([\d.]+)", analysis)[1]) / MONTH


def from_a_landmark(cohort: Cohort, whole: pd.DataFrame, key: tuple[str, str], model: str) -> dict[Key, float]:
    """The models of one landmark; under its bare name each arm's size and median, and the log-rank test."""
    rows = select(whole, at=at_label(month(key[1])))
    there, arm = at_landmark(cohort, "OS", "primary", month(key[1])), cohort.study.arms
    if "|" in key[1]:
        covariates = models(cohort, "OS", "primary")[model].covariates
        known = cox.complete_cases(there, "OS", "primary", covariates)[0].assign(entry=-np.inf)
        known = known.rename(columns={arm.column: "tx"})
        return from_the_kernel(key, known) | from_rows(key, select(rows, model=model), cohort, "tx")
    test = survival.log_rank(there).iloc[0]
    found = {(*key, "logrank", "chisq"): test["chi_square"], (*key, "logrank", "p"): test["p_log_rank"]}
    for term, group in (("tx=0", arm.reference), ("tx=1", arm.treated)):
        sizes, median = select(rows, group=group), select(survival.medians(there), group=group, model="log").iloc[0]
        values = {"n": sizes["n"].iloc[0], "nevent": sizes["n_event"].iloc[0]}
        names = {"median": "median", "lcl": "median_low", "ucl": "median_high"}
        values |= {name: MONTH * median[column] for name, column in names.items()}
        found |= {(*key, term, name): value for name, value in values.items()}
    return found


def effect_rows(study, *ratios: tuple[float, float, float], n: float = 100, n_event: float = 50) -> pd.DataFrame:
    """Models of treatment alone, one a hazard ratio with its limits."""
    records = []
    for position, (hr, low, high) in enumerate(ratios):
        key = {"population": "primary", "endpoint": "OS", "analysis": "cox_multivariable", "model": f"m{position}"}
        whole, effect = {"n": n, "n_event": n_event}, {"hr": hr, "hr_low": low, "hr_high": high}
        named = {"variable": study.arms.column, "level": study.arms.treated, "reference": study.arms.reference}
        records += [{**key, **whole}, {**key, **named, **effect}]
    return wide(records, STATISTICS_OF["cox_multivariable"])


def formulae(study, key: tuple[str, str]) -> dict[Key, float]:
    terms = [term for dataset, analysis, term, name in reference("time.csv") if (dataset, analysis) == key]
    found: dict[Key, float] = {}
    for term in dict.fromkeys(terms):
        hr, low, high = (float(each) for each in term.split())
        row = e_values(study, [effect_rows(study, (hr, low, high))]).iloc[0]
        ratio = (lambda each: each) if key[1] == "rare" else risk_ratio
        values = {"ratio": ratio(hr), "ratio_low": ratio(low), "ratio_high": ratio(high)}
        values |= {"e_value": row[f"e_value_{key[1]}"], "e_value_limit": row[f"e_value_limit_{key[1]}"]}
        found |= {(*key, term, name): value for name, value in values.items()}
    return found


def by_log_time(cohort: Cohort) -> dict[str, dict]:
    """The robust test of every model of an exposure that begins, those for landmarks left out."""
    fits = [each for each in fitted_exposures(cohort, "primary") if each.key["model"] not in {"landmark"}]
    people = [pd.Series(each.known.index.get_level_values(0), index=each.known.index) for each in fits]
    found = [diagnostics.log_time_test(cohort.study, *each) for each in zip(fits, people, strict=True)]
    return {each.key["model"]: row for each, row in zip(fits, found, strict=True)}


@pytest.mark.slow
def test_time_counted_as_it_passed_equals_r(tmp_path, record_property):
    own = {name: recurrence(tmp_path, name) for name in BEGINS}
    own["jasa"], computed = stanford(tmp_path / "jasa"), {}
    asked = analyses("time.csv")
    begins = {name: time_dependent(cohort, "primary") for name, cohort in own.items()}
    robust = {name: by_log_time(own[name]) for name in ("jasa",)}
    later = {name: sorted({month(each) for data, each in asked if data == name and "landmark" in each}) for name in own}
    later = {name: landmarks(own[name], months=months) for name, months in later.items()}
    for key in asked:
        dataset, analysis = key
        kind, *rest = analysis.split("|")
        n_covariates = len(rest[0].split("+")) - 1 if rest else 0
        if dataset == "formula":
            computed |= formulae(own["jasa"].study, key)
        elif dataset in {"heart", "jasa1"}:
            frame = load(dataset).rename(columns={"start": "entry", "stop": "time"})
            computed |= from_the_kernel(key, frame) if rest[0] != "zph=km" and "ties" in analysis else {}
        elif kind == "naive":
            frame = own["jasa"].outcome("OS").assign(entry=-np.inf)
            rows = cox.univariable(own["jasa"]) if n_covariates == 0 else cox.multivariable(own["jasa"])
            rows = select(rows, model=STANFORD[n_covariates])
            whole = select(rows, level="").iloc[:1].assign(variable="")
            rows = pd.concat([whole, rows]) if n_covariates == 0 else rows
            computed |= from_the_kernel(key, frame) | from_rows(key, rows, own["jasa"], "transplant")
        elif kind == "log_time":
            n, term = (n_covariates, "transplant") if dataset == "jasa" else (None, "rec")
            model = "begins" if n is None else STANFORD[n]
            row = robust[dataset][model]
            values = {"chisq": row["chi_square"], "p": row["p_proportional"]}
            computed |= {(*key, term, name): value for name, value in values.items()}
        elif kind == "begins":
            model, term = ("begins", "rec") if dataset in BEGINS else (STANFORD[n_covariates], "transplant")
            computed |= begun(own[dataset], begins[dataset], key, model, term)
        else:
            model = STANFORD.get(n_covariates, "") if dataset == "jasa" else "landmark"
            computed |= from_a_landmark(own[dataset], later[dataset], key, model)
    compare("time.csv", computed, record_property)


def test_the_stanford_programme_once_misread(tmp_path):
    """103 patients: a heart transplant that seemed to cut the hazard to a quarter, and did nothing that can be shown."""
    cohort = stanford(tmp_path)
    naive = select(cox.univariable(cohort), level="yes").iloc[0]
    assert naive["hr"] == pytest.approx(0.266216644632, rel=1e-10)
    begins = time_dependent(cohort, population="primary")
    rows = select(begins, model="unadjusted")
    proper = select(rows, level="yes").iloc[0]
    expected = (1.13557726665, 0.629339393188, 2.04903068597)
    assert list(proper[["hr", "hr_low", "hr_high"]]) == pytest.approx(expected, rel=1e-10)
    assert select(rows, variable="").iloc[0][["n", "n_event", "n_missing", "n_no_time"]].tolist() == [103, 75, 0, 0]
    assert rows.set_index("level")["n"].loc[["no", "yes"]].tolist() == [103, 69]
    assert rows.set_index("level")["n_event"].loc[["no", "yes"]].tolist() == [30, 45]
    adjusted = select(begins, model="adjusted", variable="transplant", level="yes").iloc[0]
    assert adjusted["hr"] == pytest.approx(1.01622583733, rel=1e-10)
    later = select(landmarks(cohort), variable="transplant", level="yes", model="unadjusted")
    assert later["at"].tolist() == ["1", "2", "3", "6"]
    assert later["hr"].tolist() == pytest.approx([0.915045866556, 0.774001856, 0.573101143, 1.197756], rel=1e-6)


def test_leaving_out_early_deaths_is_shown_beside_and_not_mixed_in(tmp_path):
    cohort = stanford(tmp_path)
    rows = time_dependent(cohort)
    assert list(dict.fromkeys(rows["population"])) == ["primary", "past_month_1"]
    sizes = select(rows, variable="", model="unadjusted").set_index("population")["n"]
    assert sizes.to_dict() == {"primary": 103, "past_month_1": 80}
    assert set(landmarks(cohort)["population"]) == {"primary"}
    alone = time_dependent(cohort, population="past_month_1")
    pd.testing.assert_frame_equal(alone, select(rows, population="past_month_1").reset_index(drop=True))


TEN = pd.DataFrame(
    {
        "time": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
        "event": [1, 1, 1, 0, 1, 1, 1, 0, 1, 0],
        "treated": ["no", "no", "yes", "yes", "yes", "no", "yes", "no", "yes", "yes"],
        "start": [None, None, 1, 0, 5, None, 2, None, 3, None],
        "age": [60, 50, 55, 70, 65, 40, 45, 58, 62, 66],
        "grade": ["a", "b", "a", "b", "a", "b", "a", "b", "a", "b"],
    }
)


def ten(folder, frame: pd.DataFrame = TEN, **entries: object) -> Cohort:
    """Ten patients in months: starts on another's death, on the own one and at zero; the tenth's is not known."""
    asked = {"missing_start": "exclude", **entries.pop("exposure", {})}
    content = {
        "arms": arms("treated", "no", "yes"),
        "variables": {"age": continuous(), "grade": categorical("a", "b"), "start": started("months")},
        "endpoints": {"OS": endpoint()},
        **entries,
    }
    return cohort_of(folder, frame, **content, exposure=exposure(**asked))


def by_hand(sets: list[tuple[int, int, int]]) -> float:
    """The coefficient from treated and untreated at risk and whether the treated died, a death each."""

    def score(beta: float) -> float:
        return sum(died - t * np.exp(beta) / (u + t * np.exp(beta)) for t, u, died in sets)

    return optimize.brentq(score, -20, 20, xtol=1e-14)


AS_IT_PASSED = [(1, 8, 0), (2, 6, 0), (3, 4, 1), "death of the fifth", (2, 2, 0), (2, 1, 1), (1, 0, 1)]


@pytest.mark.parametrize(("rule", "fifth"), [("half_day_earlier", (3, 2, 1)), ("unexposed", (2, 3, 0))])
def test_exposure_that_begins_by_hand(tmp_path, rule, fifth):
    rows = time_dependent(ten(tmp_path, exposure={"same_time": rule}))
    effect = select(rows, level="yes").iloc[0]
    sets = [each if isinstance(each, tuple) else fifth for each in AS_IT_PASSED]
    assert effect["log_hr"] == pytest.approx(by_hand(sets), abs=1e-9)
    whole = select(rows, variable="").iloc[0]
    assert whole[["n", "n_event", "n_missing", "n_not_applicable", "n_no_time"]].tolist() == [9, 7, 1, 0, 0]
    by_level = select(rows, level=["no", "yes"]).set_index("level")
    treated = 5 if rule == "half_day_earlier" else 4
    assert by_level["n"].to_dict() == {"no": 8, "yes": treated}
    assert by_level["n_event"].to_dict() == {"no": 7 - treated + 1, "yes": treated - 1}
    own = select(rows, variable="treated", level="").iloc[0]
    assert own[["n", "n_event", "n_missing"]].tolist() == [9, 7, 1]
    assert own["p_lrt"] == whole["p_lrt"]


def test_landmark_by_hand(tmp_path):
    rows = landmarks(ten(tmp_path))
    effect = select(rows, variable="treated", level="yes").iloc[0]
    sets = [(3, 4, 1), (1, 4, 0), (1, 3, 0), (1, 2, 1), (0, 1, 0)]
    assert effect["log_hr"] == pytest.approx(by_hand(sets), abs=1e-9)
    assert effect["at"] == "2"
    groups = select(rows, group=["no", "yes"])
    assert groups[["group", "n", "n_event"]].to_numpy().tolist() == [["no", 4, 3], ["yes", 3, 2]]
    whole = select(rows, variable="", group="").iloc[0]
    assert whole[["n", "n_event", "n_missing", "n_excluded", "n_no_time"]].tolist() == [7, 5, 1, 2, 0]
    clock = at_landmark(ten(tmp_path), "OS", "primary", 2).outcomes["OS"]["time"]
    assert clock.tolist() == [1, 2, 3, 4, 5, 6, 7, 8]


def test_every_piece_of_time_is_counted_once(tmp_path):
    known, start, _ = exposed(ten(tmp_path), "OS", "primary", [])
    rows = pieces(ten(tmp_path).study, known, start)
    spans = rows["time"] - rows["entry"].clip(lower=0)
    assert spans.sum() == TEN["time"][:9].sum()
    assert rows.loc[rows["treated"] == "yes", "entry"].tolist() == [1, 0, 2, 3]
    assert spans[rows["treated"] == "yes"].sum() == 2 + 4 + 5 + 6
    assert rows["event"].sum() == known["event"].sum()


def test_a_start_after_the_end_of_an_endpoint_is_no_treatment_there(tmp_path):
    frame = TEN.assign(stopped=[1, 1, 2, 2, 3, 5, 1, 6, 8, 9])
    endpoints = {"OS": endpoint(), "PFS": endpoint("stopped")}
    cohort = ten(tmp_path, frame, endpoints=endpoints, exposure={"endpoints": ["OS", "PFS"]})
    rows = select(time_dependent(cohort), endpoint="PFS", variable="treated")
    assert rows.set_index("level")["n"].loc["yes"] == 3
    assert exposed(cohort, "PFS", "primary", [])[1].dropna().tolist() == [1, 0, 3]


@pytest.mark.parametrize("zero", ["keep", "half_day", "exclude"])
def test_a_death_at_zero_is_counted_and_comes_before_a_start_at_zero(tmp_path, zero):
    frame = TEN.assign(time=[0, *TEN["time"][1:]])
    rows = time_dependent(ten(tmp_path, frame, endpoints={"OS": endpoint(zero_time=zero)}))
    sets = [each if isinstance(each, tuple) else (2, 3, 0) for each in AS_IT_PASSED]
    sets = sets[1:] if zero == "exclude" else [(0, 9, 0), *sets[1:]]
    assert select(rows, level="yes")["log_hr"].iloc[0] == pytest.approx(by_hand(sets), abs=1e-9)
    assert select(rows, variable="")["n"].iloc[0] == (8 if zero == "exclude" else 9)


def test_a_treatment_begun_on_the_day_of_death_at_zero(tmp_path):
    frame = TEN.assign(time=[0, *TEN["time"][1:]], start=[0, *TEN["start"][1:]], treated=["yes", *TEN["treated"][1:]])
    for zero in ("keep", "half_day"):
        cohort = ten(
            tmp_path, frame, endpoints={"OS": endpoint(zero_time=zero)}, exposure={"same_time": "half_day_earlier"}
        )
        rows = time_dependent(cohort)
        sets = [each if isinstance(each, tuple) else (3, 2, 1) for each in [(1, 8, 1), *AS_IT_PASSED[1:]]]
        assert select(rows, level="yes")["log_hr"].iloc[0] == pytest.approx(by_hand(sets), abs=1e-9)


def test_days_that_are_the_same_stay_the_same_in_months(tmp_path):
    """A start on the day of another's death comes after it, whatever rounding makes of both in months."""
    days = np.arange(1, 400)
    frame = pd.DataFrame({"time": np.r_[days, days + 0.4], "event": 1, "treated": ["no"] * 399 + ["yes"] * 399})
    frame["start"] = np.r_[np.full(399, np.nan), days]
    frame["age"], frame["grade"] = 1, "a"
    cohort = ten(
        tmp_path,
        frame,
        endpoints={"OS": endpoint(unit="days")},
        variables={"age": continuous(), "start": started("days")},
    )
    known, start, _ = exposed(cohort, "OS", "primary", [])
    assert (start.dropna().to_numpy() == known["time"].iloc[:399].to_numpy()).all()
    assert pytest.approx(0.5 / MONTH) == HALF_DAY


def test_levels_count_patients_and_missing_values_are_said(tmp_path):
    frame = TEN.assign(grade=["a", "b", "a", "b", "a", "b", "a", None, "a", "b"])
    given = {"label": "m", "endpoints": ["OS"], "covariates": ["treated", "grade"]}
    rows = time_dependent(ten(tmp_path, frame, models={"m": given}, exposure={"models": ["m"]}))
    own = select(rows, model="m")
    assert select(own, variable="").iloc[0][["n", "n_event", "n_missing"]].tolist() == [8, 7, 2]
    by_level = select(own, variable="grade").set_index("level")
    assert by_level.loc[["a", "b"], "n"].tolist() == [5, 3]
    assert by_level.loc["", "n_missing"] == 1
    assert select(own, variable="treated", level="")["n_missing"].iloc[0] == 1
    assert select(rows, model="unadjusted", variable="")["n"].iloc[0] == 9


def test_which_models_there_are(tmp_path):
    base = {"label": "m", "endpoints": ["OS"]}
    chosen = {"candidates": ["treated", "age"], "selection": {"by": "wald", "p_below": 1e-9}}
    cohort = ten(
        tmp_path,
        endpoints={"OS": endpoint(), "PFS": endpoint()},
        models={
            "fixed": {**base, "covariates": ["treated", "age"]},
            "picked": {**base, **chosen},
            "without": {**base, "covariates": ["age"]},
        },
        exposure={"endpoints": ["OS", "PFS"], "models": ["fixed", "picked", "without"]},
    )
    assert {name: each.covariates for name, each in models(cohort, "OS", "primary").items()} == {
        "unadjusted": ["treated"],
        "fixed": ["treated", "age"],
        "picked": ["treated"],
    }
    assert list(models(cohort, "PFS", "primary")) == ["unadjusted"]
    inside = WithinArm(
        name="fixed", label="w", variable="grade", population="primary", pairwise=False, endpoints=["OS"],
        covariates=["age"],
    )  # fmt: skip
    other = replace(cohort, study=cohort.study.model_copy(update={"within_arm": [inside]}))
    assert list(models(other, "OS", "primary")) == ["unadjusted", "picked"]


def test_strata_are_named_and_used(tmp_path):
    spec = {"label": "m", "endpoints": ["OS"], "covariates": ["treated"], "strata": ["grade"]}
    cohort = ten(tmp_path, models={"m": spec}, exposure={"models": ["m"]})
    for rows in (time_dependent(cohort), landmarks(cohort)):
        methods = select(rows, variable="", group="").set_index("model")["method"]
        assert methods["m"] == f"{methods['unadjusted']}, stratified by grade"
    known, start, _ = exposed(cohort, "OS", "primary", ["grade"])
    split = pieces(cohort.study, known, start)
    expected = cox.maximise(cohort.study, split, ["treated"], ["grade"]).fit.log_hr.iloc[0]
    assert select(time_dependent(cohort), model="m", level="yes")["log_hr"].iloc[0] == expected


@pytest.mark.parametrize(
    ("treated", "start", "reason"),
    [
        (["no"] * 9 + ["yes"], [None] * 9 + [10], "no patients in this level"),
        (["yes"] * 9 + ["no"], [0] * 9 + [None], "no events in the reference level"),
        (["no"] * 9 + ["yes"], [None] * 9 + [9], "no events in this level"),
    ],
)
def test_what_cannot_be_estimated_has_its_reason(tmp_path, treated, start, reason):
    frame = TEN.assign(treated=treated, start=start)
    row = select(time_dependent(ten(tmp_path, frame)), level="yes").iloc[0]
    assert np.isnan(row["hr"])
    assert row["not_estimable"]["hr"] == reason


def test_a_landmark_with_one_arm_or_nobody_has_its_reason(tmp_path):
    cohort = ten(tmp_path, TEN.assign(start=[None, None, 2.5, 3, 5, None, 4, None, 3, None]))
    rows = landmarks(cohort)
    row = select(rows, variable="treated", level="yes").iloc[0]
    assert np.isnan(row["hr"])
    assert row["not_estimable"]["hr"] == "no patients in this level"
    assert select(rows, group="yes")["n"].iloc[0] == 0
    short = replace(cohort, members={**cohort.members, "primary": cohort.members["primary"][:2]})
    gone = landmarks(short)
    assert select(gone, variable="", group="")[["n", "n_excluded"]].to_numpy().tolist() == [[0, 2]]
    assert select(gone, variable="treated", level="yes")["not_estimable"].iloc[0]["hr"]
    melt([rows], "06_sensitivity")


@pytest.mark.parametrize(
    ("months", "text"),
    [
        ([9], "month 9 lies after the last event of 'OS' in population 'primary'"),
        ([2, 9.5], "month 9.5 lies after the last event of 'OS'"),
        ([], "give a list of months above zero"),
        (2, "give a list of months above zero"),
        ([0], "give a list of months above zero"),
        ([True], "give a list of months above zero"),
        (["2"], "give a list of months above zero"),
        ([float("nan")], "give a list of months above zero"),
    ],
)
def test_months_that_are_no_landmarks_are_refused_in_a_sentence(tmp_path, months, text):
    with pytest.raises(ParameterError, match="landmark_months") as error:
        landmarks(ten(tmp_path), months=months)
    assert text in str(error.value)
    assert str(error.value).count("\n") == 0


def test_the_knob_replaces_the_landmarks_of_the_study(tmp_path):
    rows = landmarks(ten(tmp_path), months=[1, 3.5, 1.0])
    assert list(dict.fromkeys(rows["at"])) == ["1", "3.5"]


def test_a_study_without_an_exposure_has_no_rows(gbsg2):
    for rows in (time_dependent(gbsg2), landmarks(gbsg2)):
        assert rows.empty
        assert "hr" in rows


def test_rows_of_a_study_are_a_ledger(stent):
    study, asked = stent.study, stent.study.exposure
    frames = [time_dependent(stent), landmarks(stent)]
    rows = melt([*frames, e_values(study, frames)], "06_sensitivity")
    assert set(rows["analysis"]) == {"cox_time_dependent", "landmark"}
    assert set(rows["endpoint"]) == set(asked.endpoints)
    assert set(rows.loc[rows["at"] != "", "at"]) == {at_label(each) for each in asked.landmarks}
    again = pivot(rows[rows["analysis"] == "landmark"])
    assert len(again) == len(frames[1])
    whole = select(frames[1], variable="", group="")
    lost = whole[["n", "n_missing", "n_not_applicable", "n_no_time", "n_excluded"]].sum(axis=1)
    assert (lost == len(stent.rows(asked.population))).all()
    z = stats.norm.ppf((1 + study.confidence) / 2)
    found = frames[0][frames[0]["hr"].notna()]
    assert np.log(found["hr_high"] / found["hr"]).to_numpy() == pytest.approx(z * found["log_hr_se"].to_numpy())


@pytest.mark.parametrize(
    ("ratio", "common", "expected", "limit"),
    [
        ((3.9, 1.8, 8.7), False, 7.26, 3.0),
        ((0.80, 0.71, 0.91), False, 1.81, 1.43),
        ((10.73, 8.02, 14.36), False, 20.95, 15.52),
        ((0.56, 0.46, 0.69), True, 2.35, 1.91),
    ],
)
def test_published_e_values(stent, ratio, common, expected, limit):
    """Breast-feeding and respiratory death, leukaemia, smoking and lung cancer, and the worked common outcome."""
    row = e_values(stent.study, [effect_rows(stent.study, ratio)]).iloc[0]
    which = "common" if common else "rare"
    assert round(row[f"e_value_{which}"], 2) == expected
    assert round(row[f"e_value_limit_{which}"], 2) == limit


def test_what_an_e_value_is():
    assert e_value(1) == 1
    assert e_value(2) == e_value(0.5) == pytest.approx(2 + np.sqrt(2))
    for ratio in (1.3, 4.0):
        strength = e_value(ratio)
        assert strength**2 / (2 * strength - 1) == pytest.approx(ratio)
    assert risk_ratio(1) == 1
    assert risk_ratio(4) == pytest.approx((1 - 0.25) / (1 - 2**-0.5))
    assert risk_ratio(0.25) == pytest.approx(1 / risk_ratio(4))


def test_which_formula_applies_is_said_by_the_share_with_the_event(stent):
    study = stent.study
    for n_event, applies in ((15, "rare"), (16, "common")):
        row = e_values(study, [effect_rows(study, (0.5, 0.4, 0.6), n=100, n_event=n_event)]).iloc[0]
        assert row["percent"] == n_event
        assert row["method"].startswith(f"E-value, {applies} outcome applies: ")
    unknown = e_values(study, [effect_rows(study, (0.5, 0.4, 0.6), n=np.nan, n_event=np.nan)]).iloc[0]
    assert np.isnan(unknown["percent"])
    assert "not known" in unknown["not_estimable"]["percent"]
    assert unknown["e_value_rare"] == e_value(0.5)
    limitless = e_values(study, [effect_rows(study, (0.5, np.nan, np.nan))]).iloc[0]
    assert set(limitless["not_estimable"]) == {"e_value_limit_rare", "e_value_limit_common"}
    wide_interval = e_values(study, [effect_rows(study, (0.5, 0.2, 1.1))]).iloc[0]
    assert wide_interval[["e_value_limit_rare", "e_value_limit_common"]].tolist() == [1, 1]


def test_e_values_stand_beside_every_effect_of_treatment(stent):
    paired = cox.univariable(stent, "paired")
    beside = cox.companions(stent, models=[], univariable=paired)
    frames = [paired, cox.multivariable(stent), beside, fixed(stent)]
    found = e_values(stent.study, frames)
    arm = stent.study.arms
    wanted = pd.concat([select(each, variable=arm.column, level=arm.treated) for each in frames])
    assert len(found) == wanted["hr"].notna().sum() > 10
    assert found["percent"].between(0, 100).all()
    assert found[E_VALUES].notna().all().all()
    assert "unadjusted:clustered" in set(found["model"])
    row = select(found, endpoint="OS", model="unadjusted", population="primary").iloc[0]
    known = stent.outcome("OS")
    assert row["percent"] == pytest.approx(100 * known["event"].mean())
    assert list(found.columns) == list(wide([], E_VALUES).columns)


def test_cutting_at_fewer_times_is_near_cutting_at_every_event(tmp_path, monkeypatch):
    frame = load("veteran")[["trt", "time", "status"]]
    study = {"arms": arms("trt", "standard", "test"), "variables": {"x": continuous()}}
    points = {"OS": endpoint("time", "status", "days")}
    cohort = cohort_of(tmp_path, frame.assign(x=1), **study, endpoints=points, univariable=ALONE)
    (model,) = treatment_alone(cohort)
    patients = pd.Series(model.known.index, index=model.known.index)
    exact = diagnostics.log_time_test(cohort.study, model, patients)
    monkeypatch.setattr(diagnostics, "MOST", 60 * len(model.known))
    near = diagnostics.log_time_test(cohort.study, model, patients)
    assert near["chi_square"] == pytest.approx(exact["chi_square"], rel=0.05)
    assert near["chi_square"] != exact["chi_square"]


ALONE = [{"endpoints": ["OS"], "variables": ["trt"]}]


def test_the_test_of_log_time_by_hand(tmp_path):
    """A robust Wald test is the square of the product's coefficient over its sandwich variance."""
    cohort = stanford(tmp_path)
    known = cohort.outcome("OS")
    times = np.unique(known.loc[known["event"], "time"])
    rows = []
    for patient, row in known.iterrows():
        edges = [-np.inf, *times[times < row["time"]], row["time"]]
        for begin, end in pairwise(edges):
            last = end == row["time"]
            rows.append((patient, begin, end, row["event"] and last, float(row["transplant"] == "yes")))
    long = pd.DataFrame(rows, columns=["id", "start", "stop", "event", "x"])
    long["product"] = long["x"] * np.log(long["stop"])
    given = {"start": long["start"].to_numpy(), "clusters": long["id"].to_numpy()}
    fit = cox.fit(long[["x", "product"]], long["stop"].to_numpy(), long["event"].to_numpy(), **given)
    chi_square = fit.log_hr["product"] ** 2 / fit.robust.loc["product", "product"]
    (model,) = treatment_alone(cohort, "primary")
    found = diagnostics.log_time_test(cohort.study, model, pd.Series(known.index, index=known.index))
    assert found["chi_square"] == pytest.approx(chi_square, rel=1e-8)


def test_the_clocks_share_and_when_treatment_began_by_hand(tmp_path):
    rows = clock(stanford(tmp_path), draws=200)
    cohort = stanford(tmp_path)
    (start,) = [row for _, row in rows.iterrows() if row["variable"] == "wait"]
    waited = load("jasa")["wait.time"].dropna() / MONTH
    assert start["n"] == len(waited) == 69
    assert start["median"] == pytest.approx(waited.median(), rel=1e-9)
    assert start[["q1", "q3"]].tolist() == pytest.approx(waited.quantile([0.25, 0.75]).tolist(), rel=1e-9)
    alone = select(rows, model="unadjusted").iloc[0]
    naive = select(cox.univariable(cohort), level="yes").iloc[0]
    begins = select(time_dependent(cohort, "primary"), model="unadjusted", level="yes").iloc[0]
    assert alone["percent_clock"] == pytest.approx(100 * (1 - begins["log_hr"] / naive["log_hr"]), abs=1e-8)
    assert alone["percent_clock"] > 80, "what Gail (1972) and Crowley & Hu (1977) said of this programme"
    assert alone["percent_clock_low"] < alone["percent_clock"] < alone["percent_clock_high"]
    assert clock(cohort, draws=200).equals(rows)
