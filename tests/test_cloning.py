"""Cloning, censoring and weighting: ten patients by hand, R on public patients, and cohorts with a known truth."""

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from agreement import compare, reference
from building import arms, categorical, cohort_of, continuous, endpoint
from public import load

from helpers import ledger
from helpers.cohort import read_cohort
from helpers.errors import ParameterError
from helpers.sensitivity import clone_censor_weight, clones, cloning
from helpers.sensitivity.beginning import beginning
from helpers.sensitivity.cloned_survival import Horizons, estimates
from helpers.study import read_study
from helpers.study.schema import DAYS_PER_MONTH
from helpers.thresholds import shortened

# month of the end, event, month treatment began (None: never); grace 3
TEN = {
    1: (1, 1, None),
    2: (2, 0, None),
    3: (4, 1, None),
    4: (6, 1, None),
    5: (8, 0, None),
    6: (5, 1, 1),
    7: (7, 1, 2),
    8: (9, 0, 3),
    9: (10, 1, 4),
    10: (2.5, 1, 0),
}


def table(patients):
    """Patients as a frame, row labels those of the cohort (the file's, the header row 1)."""
    made = pd.DataFrame(patients.values(), columns=["time", "event", "start"], index=patients.keys())
    return made.astype({"start": float}).assign(arm=np.where(made["start"].notna(), "yes", "no"), x=1)


def study_of(folder, frame, *, grace=3.0, covariates=("x",), variables=None, same_time="half_day_earlier", **entries):
    """A cohort whose treatment begins at `start`; every covariate a number where nothing else is said."""
    begins = continuous(unit="months", applies_when={"column": "arm", "op": "==", "value": "yes"}, post_baseline=True)
    named = {name: continuous() for name in covariates} | (variables or {}) | {"start": begins}
    exposure = {"start": "start", "before": "OS", "missing_start": "exclude", "same_time": same_time}
    exposure |= {"endpoints": ["OS"], "landmarks": [grace], "grace": grace, "covariates": list(covariates), "draws": 20}
    endpoints = entries.pop("endpoints", {"OS": endpoint()})
    given = {"arms": arms("arm", "no", "yes"), "variables": named, "endpoints": endpoints, "exposure": exposure}
    return cohort_of(folder, frame, **given, **entries)


@pytest.fixture
def ten(tmp_path):
    horizons = {"survival": {"months": [1, 3, 5, 6], "tau": {"OS": 8}}}
    return study_of(tmp_path, table(TEN), **horizons)


def cell(frame, statistic, **key):
    """The one value of a statistic."""
    found = ledger.select(ledger.melt([frame], "x"), statistic=statistic, **key)
    assert len(found) == 1
    return found["value"].iloc[0]


def test_ten_patients_by_hand_are_cloned_and_censored(ten):
    last = (
        clones(ten, "OS").assign(patient=lambda d: d.index - 1).groupby(["strategy", "patient"], observed=True).last()
    )
    found = {
        strategy: {
            patient: (row["time"], "event" if row["event"] else "left" if row["censored"] else "followed")
            for patient, row in last.loc[strategy].iterrows()
        }
        for strategy in ("no", "yes")
    }
    same = {1: (1, "event"), 2: (2, "followed")}
    assert found["no"] == {
        **same,
        3: (4, "event"),
        4: (6, "event"),
        5: (8, "followed"),
        6: (1, "left"),
        7: (2, "left"),
        8: (3, "left"),
        9: (10, "event"),
        10: (0, "left"),
    }
    assert found["yes"] == {
        **same,
        **dict.fromkeys((3, 4, 5, 9), (3, "left")),
        6: (5, "event"),
        7: (7, "event"),
        8: (9, "followed"),
        10: (2.5, "event"),
    }


def test_ten_patients_by_hand_are_weighted(ten):
    """One of 10 who wait begins at 0, one of 9 at 1, one of 7 at 2, one of 5 at 3; 3 of the 7 followed past 3 have."""
    steps = [Fraction(1, 10), Fraction(1, 9), Fraction(1, 7), Fraction(1, 5)]
    hazard = [sum(steps[:count]) for count in range(5)]
    assert hazard == [0, Fraction(1, 10), Fraction(19, 90), Fraction(223, 630), Fraction(349, 630)]
    rows = clones(ten, "OS")
    of = {strategy: rows[rows["strategy"] == strategy] for strategy in ("no", "yes")}
    for strategy, month, expected in [
        ("no", 1, np.exp(1 / 10)),
        ("no", 2.5, np.exp(223 / 630)),
        *(("no", month, np.exp(349 / 630)) for month in (4, 6, 10)),
        *(("yes", month, 1) for month in (1, 2.5)),
        *(("yes", month, 7 / 3) for month in (5, 7)),
    ]:
        inside = of[strategy][(of[strategy]["entry"] < month) & (of[strategy]["time"] >= month)]
        assert len(inside)
        assert inside["weight"].to_numpy() == pytest.approx(expected, rel=1e-12), (strategy, month)
    frame = clone_censor_weight(ten, draws=0)
    no, yes = np.exp(349 / 630), 7 / 3
    weighted = {"model": "weighted"}
    assert cell(frame, "weight_max", variable="arm", **weighted) == pytest.approx(yes)
    assert cell(frame, "n_effective", variable="arm", **weighted) == pytest.approx(
        (4 * no + 7) ** 2 / (4 * no**2 + 3 * yes**2)
    )
    assert cell(frame, "n_effective", group="yes", **weighted) == pytest.approx(3)
    assert cell(frame, "n_effective", group="no", **weighted) == pytest.approx(4)
    assert cell(frame, "n_effective", variable="arm", model="unweighted") == 7


def test_ten_patients_by_hand_survive(ten):
    """Not beginning: one of 9 dies at 1, of 4 at 4, of 3 at 6. Beginning: one of 10 at 1, of 8 at 2.5, of 3 at 5, of 2 at 7.

    Month 8 of 487/16 days ends with day 243.
    """
    frame = ledger.select(clone_censor_weight(ten, draws=0), model="weighted")
    curve = {
        "no": {1: Fraction(8, 9), 3: Fraction(8, 9), 5: Fraction(2, 3), 6: Fraction(4, 9)},
        "yes": {1: Fraction(9, 10), 3: Fraction(63, 80), 5: Fraction(21, 40), 6: Fraction(21, 40)},
    }
    for strategy, expected in curve.items():
        for month, rate in expected.items():
            assert cell(frame, "rate", group=strategy, at=str(month)) == pytest.approx(100 * float(rate), rel=1e-12)
    end = Fraction(243 * 16, 487)
    area = {
        "no": 1 + 3 * Fraction(8, 9) + 2 * Fraction(2, 3) + (end - 6) * Fraction(4, 9),
        "yes": 1
        + Fraction(3, 2) * Fraction(9, 10)
        + Fraction(5, 2) * Fraction(63, 80)
        + 2 * Fraction(21, 40)
        + (end - 7) * Fraction(21, 80),
    }
    for strategy, expected in area.items():
        assert cell(frame, "rmst", group=strategy) == pytest.approx(float(expected), rel=1e-12)
    assert cell(frame, "rmst_difference") == pytest.approx(float(area["yes"] - area["no"]), rel=1e-12)
    for statistic, count in {"n": 10, "n_event": 4, "n_censored": 4}.items():
        assert [cell(frame, statistic, group=each) for each in ("no", "yes")] == [count] * 2
    assert cell(frame, "n_event", variable="arm") == 7


def test_who_has_begun_stands_for_those_alike(tmp_path):
    """Past month 3 one of two with x = 1 has begun and two of five with x = 0: weights 2 and 5/2."""
    alike = {"x": [1, 1, 0, 0, 0, 0, 0], "start": [1, None, 2, 1, None, None, None], "time": [5, 8, 6, 8, 5, 7, 8]}
    made = pd.DataFrame(alike).assign(event=1, arm=lambda d: np.where(d["start"].notna(), "yes", "no"))
    cohort = study_of(tmp_path, made, survival={"months": [5, 6], "tau": {"OS": 6}})
    late = clones(cohort, "OS").query("strategy == 'yes' and entry >= 3")["weight"]
    assert late.tolist() == pytest.approx([2, 5 / 2, 5 / 2])
    frame = ledger.select(clone_censor_weight(cohort, draws=0), model="weighted", group="yes")
    assert cell(frame, "rate", at="5") == pytest.approx(100 * 5 / 7)
    assert cell(frame, "rate", at="6") == pytest.approx(100 * 5 / 14)


@pytest.mark.parametrize(
    ("same_time", "begun", "no", "yes"),
    [
        ("half_day_earlier", True, (2 - 0.5 / DAYS_PER_MONTH, False), (2, True)),
        ("unexposed", False, (2, True), (2, True)),
    ],
)
def test_a_start_at_the_event(tmp_path, same_time, begun, no, yes):
    frame = table({**TEN, 7: (2, 1, 2)})
    rows = clones(study_of(tmp_path, frame, same_time=same_time), "OS").loc[8]
    for strategy, expected in (("no", no), ("yes", yes)):
        last = rows[rows["strategy"] == strategy].iloc[-1]
        assert (last["time"], last["event"]) == (pytest.approx(expected[0]), expected[1])
    assert rows[rows["strategy"] == "no"]["censored"].any() == begun


def test_an_event_at_time_zero_finds_everybody_at_risk(tmp_path):
    cohort = study_of(tmp_path, table({**TEN, 11: (0, 1, None)}), survival={"months": [1, 3], "tau": {"OS": 8}})
    frame = ledger.select(clone_censor_weight(cohort, draws=0), model="weighted")
    assert cell(frame, "rate", group="yes", at="1") == pytest.approx(100 * 10 / 11 * 9 / 10)
    assert cell(frame, "rate", group="no", at="1") == pytest.approx(100 * 10 / 11 * 8 / 9)
    assert [cell(frame, "n_event", group=each) for each in ("no", "yes")] == [5, 5]
    before = clone_censor_weight(study_of(tmp_path / "without", table(TEN)), draws=0)
    assert abs(cell(frame, "log_hr")) < abs(cell(before, "log_hr", model="weighted"))


def test_beginning_on_the_last_day_is_beginning_and_an_event_there_counts(tmp_path):
    """Who begins at the grace period's end keeps to beginning; who dies then, untreated, dies under both strategies."""
    rows = clones(study_of(tmp_path, table({**TEN, 3: (3, 1, None)})), "OS")
    for strategy in ("no", "yes"):
        inside = rows[rows["strategy"] == strategy].loc[[4]]
        assert inside["time"].max() == 3
        assert inside["event"].sum() == 1
    late = rows.loc[[9]].query("strategy == 'yes'")
    assert late["time"].max() == 9
    assert late["weight"].tolist() == pytest.approx([1, 6 / 3])


def jasa():
    """Stanford's candidates for a transplant."""
    frame = load("jasa").rename(columns={"futime": "time", "fustat": "event"})
    frame["arm"] = np.where(frame["transplant"] == 1, "yes", "no")
    return frame.assign(start=frame["wait.time"])[["time", "event", "start", "arm", "age", "surgery"]]


def rotterdam():
    """Breast cancer, recurrence as if it were a treatment."""
    frame = load("rotterdam").rename(columns={"dtime": "time", "death": "event"})
    frame["arm"] = np.where(frame["recur"] == 1, "yes", "no")
    names = ["pid", "time", "event", "start", "arm", "age", "meno", "size", "grade", "nodes", "chemo"]
    return frame.assign(start=frame["rtime"].where(frame["recur"] == 1))[names]


def in_days(folder, frame, *, grace, covariates, variables, months, tau):
    begins = continuous(unit="days", applies_when={"column": "arm", "op": "==", "value": "yes"}, post_baseline=True)
    exposure = {"start": "start", "before": "OS", "missing_start": "error", "same_time": "half_day_earlier"}
    exposure |= {"endpoints": ["OS"], "landmarks": [grace], "grace": grace, "covariates": covariates, "draws": 0}
    return cohort_of(
        folder,
        frame,
        arms=arms("arm", "no", "yes"),
        variables={**variables, "start": begins},
        endpoints={"OS": endpoint(unit="days", zero_time="half_day")},
        exposure=exposure,
        survival={"months": months, "tau": {"OS": tau}},
    )


@pytest.fixture(scope="module")
def public(tmp_path_factory):
    folder = tmp_path_factory.mktemp("public")
    factors = {"meno": categorical(0, 1), "size": categorical("<=20", "20-50", ">50"), "grade": categorical(2, 3)}
    factors |= {"chemo": categorical(0, 1)}
    numbers = {"age": continuous(), "nodes": continuous()}
    return {
        "jasa": in_days(
            folder / "jasa",
            jasa(),
            grace=2,
            covariates=["age", "surgery"],
            variables={"age": continuous(), "surgery": continuous()},
            months=[1, 2, 3, 6, 12, 24],
            tau=12,
        ),
        "rotterdam": in_days(
            folder / "rotterdam",
            rotterdam(),
            grace=12,
            covariates=["age", "meno", "size", "grade", "nodes", "chemo"],
            variables=numbers | factors,
            months=[6, 12, 24, 36, 60, 120],
            tau=60,
        ),
    }


STRATEGIES = {"not": "no", "within": "yes"}


def at_risk(rows, strategy, day):
    """The rows that are at risk at an event of that day."""
    month = round(day / DAYS_PER_MONTH, 9)
    return rows[(rows["strategy"] == strategy) & (rows["entry"] < month) & (rows["time"] >= month)]["weight"]


def computed(name, cohort):
    """What the project makes of one data set, keyed as R's values."""
    found = {}
    rows, frame = clones(cohort, "OS"), clone_censor_weight(cohort)
    identifiers = pd.Series(load("rotterdam")["pid"].to_numpy() if name == "rotterdam" else range(1, 104))
    identifiers.index = cohort.data.index
    for what, strategy in STRATEGIES.items():
        for day in sorted(DAYS[name]):
            weight = at_risk(rows, strategy, day)
            place = (name, what, f"{day:g}")
            found |= {(*place, "n"): len(weight), (*place, "sum"): weight.sum()}
            found[(*place, "sum_squares")] = np.square(weight).sum()
            for row, value in weight.items():
                found[name, what, f"{identifiers[row]}@{day:g}", "weight"] = value
        own = {"group": strategy, "model": "weighted"}
        found[name, "weights", "", f"{what}_effective"] = cell(frame, "n_effective", **own)
        found[name, "weights", "", f"{what}_max"] = cell(frame, "weight_max", **own)
        found[name, "clones", "", f"{what}_event"] = cell(frame, "n_event", **own)
        found[name, "clones", "", f"{what}_censored"] = cell(frame, "n_censored", **own)
        for model in cloning.METHOD:
            for at in frame[(frame["group"] == strategy) & (frame["at"] != "")]["at"].unique():
                inside = ledger.select(frame, model=model, group=strategy, at=at)
                place = (name, f"{model}|{what}", at)
                found |= {(*place, each): inside[each].iloc[0] for each in ("rate", "rmst")}
    contrast = ledger.select(frame, variable="arm").set_index("model")
    found |= {(name, "clones", "", each): contrast.loc["weighted", each] for each in ("n", "n_event")}
    found[name, "weights", "", "effective"] = contrast.loc["weighted", "n_effective"]
    for model in cloning.METHOD:
        found[name, model, "", "coef"] = contrast.loc[model, "log_hr"]
        found[name, model, "", "robust_se"] = contrast.loc[model, "log_hr_se"]
    return found


DAYS = {
    name: {
        float(term)
        for dataset, analysis, term, _ in reference("cloning.csv")
        if dataset == name and analysis in STRATEGIES and "@" not in term
    }
    for name in ("jasa", "rotterdam")
}


@pytest.mark.slow
def test_public_patients_as_in_r(public, record_property):
    found = {}
    for name, cohort in public.items():
        found |= computed(name, cohort)
    compare("cloning.csv", found, record_property)


def test_a_sample_is_a_cohort_in_which_patients_stand_more_than_once(public, tmp_path):
    """The bootstrap's frequency weights give what the whole procedure gives on the patients as drawn."""
    cohort, rng = public["jasa"], np.random.default_rng(3)
    trial = cloning._trial(cohort, "OS", "primary", None)
    horizons = Horizons(cohort.study.survival.months, 12)
    counts = rng.multinomial(103, np.full(103, 1 / 103), size=4)
    samples = estimates(trial.course, beginning(trial.course, trial.models, counts), horizons, counts)
    compared = 0
    for place, count in enumerate(counts):
        drawn = jasa().loc[np.repeat(np.arange(103), count)]
        variables = {"age": continuous(), "surgery": continuous()}
        asked = {"covariates": ["age", "surgery"], "variables": variables, "months": horizons.months, "tau": 12}
        again = cloning._trial(in_days(tmp_path / str(place), drawn, grace=2, **asked), "OS", "primary", None)
        if again.problem:
            assert np.isfinite(samples[place]).all()
            continue
        compared += 1
        assert samples[place] == pytest.approx(estimates(again.course, again.beginning, horizons)[0], rel=1e-8)
    assert compared == 3


def test_limits_are_percentiles_of_samples_and_the_seed_decides(public):
    cohort = public["jasa"]
    frame = clone_censor_weight(cohort, draws=200)
    again = clone_censor_weight(cohort, draws=200)
    pd.testing.assert_frame_equal(frame, again)
    weighted = ledger.select(frame, model="weighted")
    low, value, high = (cell(weighted, f"rmst_difference{end}") for end in ("_low", "", "_high"))
    assert low < value < high
    rates = weighted[weighted["rate"].notna()]
    assert len(rates) == 12
    assert (rates["rate_low"] <= rates["rate"]).all()
    assert (rates["rate"] <= rates["rate_high"]).all()
    none = ledger.select(clone_censor_weight(cohort), model="weighted", variable="", group="")
    assert none["not_estimable"].iloc[0] == dict.fromkeys(
        ["rmst_difference_low", "rmst_difference_high"], cloning.NO_DRAWS
    )


def test_fewer_samples_are_drawn_of_many_patients_and_it_is_said(public, monkeypatch):
    assert [shortened(1000, n) for n in (171, 5000, 5001, 20_000, 25_000, 10**6)] == [
        1000,
        1000,
        999,
        250,
        200,
        200,
    ]
    assert [shortened(draws, 10**6) for draws in (0, 50, 200, 10**5)] == [0, 50, 200, 500]
    cohort = public["jasa"]
    fewer = clone_censor_weight(cohort, draws=200)
    monkeypatch.setattr(cloning, "MANY", 100)
    monkeypatch.setattr(cloning, "shortened", lambda draws, patients: 200)
    shown = clone_censor_weight(cohort, draws=205)
    said = set(shown.loc[shown["rmst"].notna(), "method"].str.partition("Kaplan-Meier, ")[2])
    assert said == {
        f"percentile limits of 200 bootstrap samples of the patients, not 205, as there are more than {cloning.MANY}"
    }
    pd.testing.assert_frame_equal(shown.drop(columns="method"), fewer.drop(columns="method"))


def simulated(n, hr, seed):
    """Patients whose severity hastens both death and treatment, in tenths of months; and what the strategies would do.

    Treatment multiplies the hazard of death by `hr` from its beginning on. The second frame has the times under each
    strategy, who has not begun by month 6 beginning then, or not before.
    """
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1.5, 1.5, size=n)
    death, wish, later = (
        rng.exponential(size=n),
        rng.exponential(size=n) / (0.12 * np.exp(0.8 * x)),
        rng.exponential(size=n),
    )
    base = 0.03 * np.exp(0.8 * x)

    def lives(start):
        untreated = death / base
        return np.where(untreated <= start, untreated, start + (death - base * start) / (base * hr))

    start = np.where(wish <= 6, wish, 6 + later / 0.01)
    time, follow = lives(start), rng.uniform(12, 60, size=n)
    end, begun = (np.ceil(each * 10) / 10 for each in (np.minimum(time, follow), start))
    treated = begun < end
    frame = pd.DataFrame(
        {"time": end, "event": (time <= follow).astype(int), "start": np.where(treated, begun, np.nan), "x": x}
    )
    truth = {"yes": lives(np.minimum(wish, 6)), "no": lives(6 + later / 0.01)}
    return frame.assign(arm=np.where(treated, "yes", "no")), truth


@pytest.mark.slow
def test_without_an_effect_clones_find_none_and_others_do(tmp_path):
    frame, _ = simulated(20_000, 1.0, 11)
    cohort = study_of(tmp_path, frame, grace=6.0)
    found = ledger.select(clone_censor_weight(cohort, draws=0), variable="arm").set_index("model")
    z = found["log_hr"] / found["log_hr_se"]
    assert abs(z["weighted"]) < 3
    assert abs(z["unweighted"]) > 3
    fixed = cloning.maximise(cohort.study, cohort.outcome("OS"), ["arm"])
    assert abs(fixed.fit.log_hr.iloc[0]) > 3 * np.sqrt(fixed.fit.covariance.iloc[0, 0])


@pytest.mark.slow
def test_with_an_effect_rates_are_those_of_the_strategies(tmp_path):
    frame, truth = simulated(10_000, 0.5, 12)
    cohort = study_of(tmp_path, frame, grace=6.0, survival={"months": [6, 12, 24], "tau": {"OS": 24}})
    found = clone_censor_weight(cohort, draws=0)
    for model, near in (("weighted", True), ("unweighted", False)):
        rows = ledger.select(found, model=model)
        away = []
        for strategy, times in truth.items():
            effective = cell(rows, "n_effective", group=strategy)
            for month in (12, 24):
                share = (times > month).mean()
                error = 100 * np.sqrt(share * (1 - share) * (1 / effective + 1 / len(times)))
                away.append(abs(cell(rows, "rate", group=strategy, at=str(month)) - 100 * share) / error)
        assert (max(away) < 3) == near


def test_rows_are_the_ledgers_and_keys_never_coincide(tmp_path):
    cohort = study_of(tmp_path, table(TEN), survival={"months": [3, 5], "tau": {"OS": 3}})
    frame = clone_censor_weight(cohort)
    assert list(frame.columns) == [*ledger.WIDE_KEY, *cloning.STATISTICS, *ledger.DESCRIPTION]
    assert not frame.duplicated(ledger.WIDE_KEY).any()
    rows = ledger.melt([frame], "06_sensitivity")
    assert len(ledger.select(rows, statistic="rmst", at="3")) == 4
    assert len(ledger.select(rows, statistic="rate", at="3")) == 4
    assert set(rows[rows["statistic"] == "hr"]["at"]) == {"3"}
    other = clone_censor_weight(cohort, grace=4)
    assert set(other[other["variable"] == "arm"]["at"]) == {"4"}


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"grace": 60}, "grace_months = 60: this month lies after the last event of 'OS' in population 'primary'"),
        ({"grace": 0}, "grace_months = 0: give a number of months above zero, or None for the study's own"),
        ({"grace": "six"}, "grace_months = 'six': give a number of months above zero, or None for the study's own"),
        ({"draws": -1}, "clone_draws = -1: give a whole number of bootstrap samples from 0 to 100000"),
        ({"draws": 2.5}, "clone_draws = 2.5: give a whole number of bootstrap samples from 0 to 100000"),
        (
            {"population": "primry"},
            "there is no population 'primry'; did you mean 'primary'? (populations: 'screened', 'primary')",
        ),
    ],
)
def test_a_mistake_is_one_sentence(ten, asked, said):
    with pytest.raises(ParameterError) as error:
        clone_censor_weight(ten, **asked)
    assert str(error.value) == said


UNTREATED = {patient: (time, event, None) for patient, (time, event, _) in TEN.items()}


@pytest.mark.parametrize(
    ("patients", "reason"),
    [
        ({**UNTREATED, 9: (10, 1, 4)}, "nobody followed past month 3 had begun treatment by then"),
        (
            {**TEN, **dict.fromkeys((3, 4, 5, 9), (9, 1, 2)), 1: (1, 1, None)},
            "everybody followed past month 3 had begun treatment by then",
        ),
    ],
)
def test_strategies_nobody_parts_over_are_not_compared(tmp_path, patients, reason):
    frame = clone_censor_weight(study_of(tmp_path, table(patients)))
    for row in frame[(frame["variable"] == "arm") | (frame["at"] != "")].to_dict("records"):
        assert set(row["not_estimable"].values()) == {reason}
    assert frame["hr"].isna().all()
    assert frame["rate"].isna().all()
    assert len(ledger.melt([frame], "x"))


def test_covariates_that_know_who_begins_give_no_weights(tmp_path):
    frame = table(TEN).assign(x=["a", "a", "b", "b", "b", "a", "a", "a", "b", "a"])
    cohort = study_of(tmp_path, frame, variables={"x": categorical("a", "b")})
    found = clone_censor_weight(cohort, draws=5).set_index("model")
    said = "the covariates tell who begins within 3 months, so some weights are infinite: everybody with 'x' = 'a' begins by then"
    weighted = found.loc["weighted"]
    assert {reason for each in weighted["not_estimable"] for reason in each.values()} == {said}
    assert found.loc["unweighted", "hr"].notna().sum() == 1
    assert clones(cohort, "OS")["weight"].isna().all()


def test_dependent_covariates_and_constants(tmp_path):
    frame = table(TEN).assign(x=1, y=[3, 1, 4, 1, 5, 9, 2, 6, 5, 3], z=lambda d: 2 * d["y"] + 1)
    dependent = clone_censor_weight(study_of(tmp_path / "a", frame, covariates=("x", "y", "z")), draws=0)
    reasons = {
        reason for each in ledger.select(dependent, model="weighted")["not_estimable"] for reason in each.values()
    }
    assert reasons == {"the covariates that explain who begins are linearly dependent"}
    one, other = (study_of(tmp_path / "".join(names), frame, covariates=names) for names in (("y",), ("x", "y")))
    pd.testing.assert_frame_equal(clones(one, "OS"), clones(other, "OS"))


def test_the_synthetic_study_and_one_without_exposure():
    study = read_study("data/ctrt")
    frame = clone_censor_weight(read_cohort(study), draws=20)
    contrast = frame[frame["variable"] == "arm"]
    assert contrast["hr"].notna().all()
    assert set(contrast["endpoint"]) == set(study.exposure.endpoints)
    other = read_cohort(read_study("data/gbsg2"))
    if other.study.exposure is None:
        assert clone_censor_weight(other).empty
        with pytest.raises(ParameterError, match="clones need"):
            clones(other, "RFS")
