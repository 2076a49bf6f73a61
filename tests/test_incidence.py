"""Competing events: R's cmprsk on public patients, ten patients worked by hand, what must hold, what a reader meets."""

import numpy as np
import pandas as pd
import pytest
from agreement import Key, analyses, compare
from building import arms, categorical, cohort_of, endpoint
from public import load
from scipy import stats

from helpers import describe, figures, incidence, survival, tables, wording
from helpers.cells import plain
from helpers.cohort import read_cohort
from helpers.errors import CohortError, StudyError
from helpers.ledger import NOBODY_LEFT, joined, melt, select
from helpers.study import read_study

TIMES = {
    "pbc": (500, 1000, 2000, 3000),
    "mgus2": (12, 60, 120, 240),
    "colon_wide": (200, 500, 1000, 2000),
    "rotterdam": (365, 1000, 2000, 4000),
}


def first_event(name: str) -> pd.DataFrame:
    """A public data set with the time and the cause of the first event."""
    data = load(name).copy()
    if name == "pbc":
        data["t"], data["cause"] = data["time"], data["status"].map({0: "", 1: "transplant", 2: "death"})
        return data
    if name == "mgus2":
        early, dead = data["pstat"] == 1, data["death"] == 1
        data["t"] = data["ptime"].where(early, data["futime"])
    elif name == "colon_wide":
        early, dead = data["TTR_event"] == 1, data["OS_event"] == 1
        data["t"] = data["DFS_time"]
    else:
        early, dead = data["recur"] == 1, data["death"] == 1
        data["t"] = data["RFS_time"]
    first = "progression" if name == "mgus2" else "recurrence"
    data["cause"] = np.where(early, first, np.where(dead, "death", ""))
    return data


def estimates(name: str, data: pd.DataFrame, by: str) -> dict[Key, float]:
    found, groups = {}, data[by].map(plain)
    for group in groups.unique():
        rows = data[groups == group]
        time, cause = rows["t"].to_numpy(float), rows["cause"].to_numpy(object)
        for of in set(data["cause"]) - {""}:
            table = incidence.cumulative_incidence(time, cause, of=of)
            low, high = incidence.incidence_limits(table, 0.95)
            table = table.assign(low=low, high=high)
            for at in TIMES[name]:
                past = table[table["time"] <= at].tail(1)
                past = (
                    past
                    if len(past)
                    else pd.DataFrame([{"incidence": 0.0, "variance": 0.0, "low": np.nan, "high": np.nan}])
                )
                for short, column in (("est", "incidence"), ("var", "variance"), ("low", "low"), ("high", "high")):
                    value = past[column].iloc[0] if at <= time.max() else np.nan
                    found[name, by, f"{group}|{of}", f"{short}@{at}"] = value
    return found


def specific(folder, name: str, data: pd.DataFrame, by: str) -> dict[Key, float]:
    """The cause-specific hazard ratios of a study whose arms are the groups."""
    table = data[[by, "t"]].assign(**{by: data[by].map(plain)}, event=(data["cause"] != "") * 1, why=data["cause"])
    named = [each for each in dict.fromkeys(data["cause"]) if each]
    causes = {each: {"label": each, "levels": [each]} for each in named}
    asked = {"label": "First", "endpoint": "EFS", "variable": "why", "causes": causes, "interest": named[0]}
    cohort = cohort_of(
        folder,
        table,
        arms=arms(by, *sorted(table[by].unique())),
        variables={"why": categorical(*named)},
        endpoints={"EFS": endpoint("t", "event", "days")},
        progression={"competing": {**asked, "unrecorded": "Unknown", "months": [1]}},
    )
    rows = incidence.cause_specific(cohort).set_index("level")
    values = {"coef": "log_hr", "se": "log_hr_se"}
    return {(name, f"{by}|specific", k, stat): rows.loc[k, values[stat]] for k in named for stat in values}


def test_cumulative_incidence_and_grays_test_are_rs(tmp_path, record_property):
    computed: dict[Key, float] = {}
    for name, analysis in analyses("incidence.csv"):
        data = first_event(name)
        by, _, stratum = analysis.partition("|")
        if stratum == "specific":
            computed |= specific(tmp_path / name, name, data, by)
            continue
        if not stratum:
            computed |= estimates(name, data, by)
        time, cause, group = data["t"].to_numpy(float), data["cause"].to_numpy(object), data[by].map(plain).to_numpy()
        strata = data[stratum].astype(str).to_numpy() if stratum else None
        for of in set(cause) - {""}:
            test = incidence.gray_test(time, cause, group, of=of, strata=strata)
            computed |= {(name, analysis, of, each): test[each] for each in ("chi_square", "df", "p")}
    compare("incidence.csv", computed, record_property)


TIME = np.array([2, 3, 3, 5, 6, 6, 8, 8, 9, 12], dtype=float)
CAUSE = np.array(["a", "a", "b", "a", "", "b", "a", "", "b", ""], dtype=object)
ARM = np.array(["x", "x", "y", "y", "x", "y", "x", "y", "y", "x"])
A = [0.1, 0.2, 0.3, 0.3, 0.425, 0.425, 0.425]
B = [0, 0.1, 0.1, 0.2, 0.2, 0.3875, 0.3875]
S = [0.9, 0.7, 0.6, 0.5, 0.375, 0.1875, 0.1875]


def test_ten_patients_with_ties_by_hand():
    a, b = (incidence.cumulative_incidence(TIME, CAUSE, of=each) for each in "ab")
    assert a["time"].tolist() == [2, 3, 5, 6, 8, 9, 12]
    assert a["n_risk"].tolist() == [10, 9, 7, 6, 4, 2, 1]
    assert a["n_event"].tolist() == [1, 1, 1, 0, 1, 0, 0]
    assert a["n_other"].tolist() == [0, 1, 0, 1, 0, 1, 0]
    np.testing.assert_allclose(a["incidence"], A, rtol=1e-14)
    np.testing.assert_allclose(b["incidence"], B, rtol=1e-14, atol=1e-16)
    np.testing.assert_allclose(a["survival"], S, rtol=1e-14)


def test_the_variance_by_hand():
    variance = incidence.cumulative_incidence(TIME, CAUSE, of="a")["variance"]
    first = 1 / 100
    assert variance[0] == pytest.approx(first, rel=1e-13)
    second = (1 - 0.1 * 10 / 9) ** 2 / 100 + 0.9**2 / 81
    assert variance[1] == pytest.approx(second, rel=1e-13)
    carried = 0.1 * 9 / 7
    third = (1 - 0.2 * 10 / 9) ** 2 / 100 + (0.9 - carried) ** 2 / 81 + carried**2 / 81 + 0.7**2 / 49
    assert variance[2] == pytest.approx(third, rel=1e-13)


def test_the_limits_by_hand():
    table = incidence.cumulative_incidence(TIME, CAUSE, of="a")
    low, high = incidence.incidence_limits(table, 0.9)
    spread = stats.norm.ppf(0.95) * np.sqrt(table["variance"][2]) / (0.3 * np.log(1 / 0.3))
    assert (low[2], high[2]) == pytest.approx((0.3 ** np.exp(spread), 0.3 ** np.exp(-spread)), rel=1e-12)
    nobody = incidence.incidence_limits(incidence.cumulative_incidence(TIME, CAUSE, of="c"), 0.9)
    assert np.isnan(nobody).all()


def test_the_events_grays_test_expects_by_hand():
    test = incidence.gray_test(TIME, CAUSE, ARM, of="a")
    assert test["groups"].tolist() == ["x", "y"]
    assert test["observed"].tolist() == [3, 1]
    in_x = 5 / 10 + 4 / 9 + 3 / (3 + 4 / 0.8) + 2 / (2 + 2 * 0.8 / 0.4)
    np.testing.assert_allclose(test["expected"], [in_x, 4 - in_x], rtol=1e-13)


def test_with_one_cause_the_incidence_is_one_minus_kaplan_meier(gbsg2):
    data = gbsg2.outcome("RFS")
    time, event = data["time"].to_numpy(), data["event"].to_numpy()
    cause = np.where(event, "relapse", "").astype(object)
    table = incidence.cumulative_incidence(time, cause, of="relapse")
    curve = survival.product_limit(time, event)
    np.testing.assert_allclose(table["incidence"], 1 - curve["survival"], rtol=1e-12, atol=1e-15)
    group = data["horTh"].astype(object).to_numpy()
    gray, log_rank = incidence.gray_test(time, cause, group, of="relapse"), survival.log_rank_test(time, event, group)
    np.testing.assert_allclose(gray["expected"], log_rank["expected"], rtol=1e-12)
    assert gray["chi_square"] == pytest.approx(log_rank["chi_square"], rel=0.01)


@pytest.mark.parametrize("name", ["ctrt", "stent"])
def test_all_incidences_and_survival_are_everybody(name, request):
    cohort = request.getfixturevalue(name)
    asked = cohort.study.progression.competing
    months = [3.0, *asked.months]
    found = incidence.incidences(cohort, months=months)
    rates = select(survival.rates(cohort, months=months), endpoint=asked.endpoint, model="log")
    for group in cohort.study.groups:
        for at in dict.fromkeys(rates["at"]):
            total = select(found, group=group, at=at)["incidence"].sum()
            assert total + select(rates, group=group, at=at)["rate"].iloc[0] == pytest.approx(100, rel=1e-12)


def test_one_minus_kaplan_meier_overstates(ctrt):
    data = incidence.first_events(ctrt)
    time, cause = data["time"].to_numpy(), data["cause"].to_numpy()
    last = incidence.cumulative_incidence(time, cause, of="thoracic")["incidence"].iloc[-1]
    wrong = 1 - survival.product_limit(time, cause == "thoracic")["survival"].iloc[-1]
    assert wrong > last + 0.05


def test_grays_test_keeps_its_level_and_sees_a_difference():
    rng, draws = np.random.default_rng(3), 400
    group, below = np.repeat(["x", "y"], 40), {"null": 0, "apart": 0}
    causes = np.array(["a", "b", ""], dtype=object)
    for _ in range(draws):
        for name, mean in (("null", 6.0), ("apart", 2.0)):
            ends = np.ceil(rng.exponential([6.0, 9.0, 20.0], (80, 3)) + 1)
            ends[group == "y", 0] = np.ceil(rng.exponential(mean, 40) + 1)
            first = ends.argmin(axis=1)
            below[name] += incidence.gray_test(ends.min(axis=1), causes[first], group, of="a")["p"] < 0.05
    assert 0.005 < stats.binom.cdf(below["null"], draws, 0.05) < 0.995
    assert below["apart"] > 0.8 * draws


@pytest.mark.parametrize(
    ("time", "cause", "group", "reason"),
    [
        ([1, 2, 3, 4], ["b", "b", "", "b"], ["x", "y", "x", "y"], "no event of this cause"),
        ([1, 2, 3, 4], ["a", "b", "", "a"], ["x", "x", "x", "x"], "only one group has patients"),
        ([1, 2, 3, 4], ["", "", "a", "a"], ["x", "x", "y", "y"], "at no event of this cause were patients of more than one group left"),
        ([5, 5, 5, 5], ["a", "a", "a", "a"], ["x", "x", "y", "y"], "at no event of this cause were patients of more than one group left"),
    ],
)  # fmt: skip
def test_why_there_is_no_test(time, cause, group, reason):
    given = (np.array(each, dtype=kind) for each, kind in ((time, float), (cause, object), (group, object)))
    test = incidence.gray_test(*given, of="a")
    assert np.isnan(test["chi_square"])
    assert np.isnan(test["p"])
    assert test["reason"].startswith(reason)


def test_the_rows_of_a_study_with_other_names(stent):
    found = incidence.incidences(stent)
    assert set(found["level"]) == {"", "local", "away", "dead", "unrecorded"}
    assert set(found["endpoint"]) == {"PFS"}
    assert set(found["variable"]) == {"failure"}
    assert select(found, level="", group="overall")[["n", "n_event"]].iloc[0].tolist() == [58, 38]
    totals = select(found, group="stent", at="").set_index("level")["n_event"]
    assert totals.to_dict() == {"": 22, "local": 12, "away": 6, "dead": 0, "unrecorded": 4}
    data = stent.outcome("PFS")
    data = data[data["procedure"] == "stent"]
    row = select(found, level="local", group="stent", at="12").iloc[0]
    assert row["n_risk"] == (data["time"] >= 12).sum()
    assert row["n_event"] == ((data["time"] <= 12) & data["event"] & (data["failure"] == "local")).sum()
    table = incidence.cumulative_incidence(
        data["time"].to_numpy(), np.where(data["event"], data["failure"].astype(str), "").astype(object), of="local"
    )
    past = table[table["time"] <= 12].tail(1)
    low, high = incidence.incidence_limits(past, 0.9)
    expected = [100 * past["incidence"].iloc[0], 100 * low[0], 100 * high[0]]
    assert row[["incidence", "incidence_low", "incidence_high"]].tolist() == pytest.approx(expected, rel=1e-12)
    dead = select(found, level="dead", group="stent", at="12").iloc[0]
    assert dead["incidence"] == 0
    assert dead["not_estimable"] == dict.fromkeys(["incidence_low", "incidence_high"], "no event of this cause")
    beyond = select(incidence.incidences(stent, months=[200]), level="local", group="stent", at="200").iloc[0]
    assert beyond["not_estimable"]["incidence"] == NOBODY_LEFT
    assert beyond["n_event"] == 12
    tests = incidence.gray_tests(stent)
    assert tests["level"].tolist() == ["local", "away", "dead", "unrecorded"]
    assert select(tests, level="dead")["not_estimable"].iloc[0]["p_gray"] == "no event of this cause"


def test_sites_are_counted_among_those_with_one(stent):
    counts = describe.progression(stent)
    sited = select(counts, model="sites", group="stent").set_index("level")
    assert sited["n"].to_dict() == {"": 18, "local": 12, "liver": 4, "lung": 2}
    assert sited.loc["lung", "percent"] == pytest.approx(100 * 2 / 18)
    whole = select(counts, model="", variable="failure", group="stent").set_index("level")
    assert whole.loc["none", ["n", "percent"]].tolist() == [8, pytest.approx(100 * 8 / 26)]
    assert whole.loc["", ["n", "n_missing"]].tolist() == [26, 4]
    p = describe.progression_tests(stent).iloc[0]
    assert (p["model"], p["method"]) == ("sites", "Fisher's exact test")
    assert p["p_test"] == pytest.approx(describe.fisher_exact(np.array([[9, 5, 1], [12, 4, 2]])), rel=1e-12)
    local = select(describe.progression_differences(stent), level="local").iloc[0]
    assert local["risk_difference"] == pytest.approx(100 * (12 / 26 - 9 / 29), rel=1e-12)
    assert local["risk_difference_low"] < 0 < local["risk_difference_high"]


def test_sections_that_count_the_same_agree(ctrt):
    counted = [describe.counts(ctrt), describe.comparisons(ctrt), describe.course(ctrt)]
    own = [describe.progression(ctrt), describe.progression_tests(ctrt)]
    rows = joined([melt(counted, "02_cohort"), melt(own, "07_progression")])
    response = select(rows, variable="response", analysis=["count", "comparison"])
    assert set(response["section"]) == {"02_cohort"}
    assert select(rows, variable="first_site", analysis="comparison")["model"].tolist() == ["sites"] * 3


MISTAKES = {
    "a level in two causes": ({'levels = ["liver", "lung"]': 'levels = ["liver", "local"]'}, "'progression.competing.causes.away.levels': 'local' is coded twice, as 'local' too"),
    "a level that is none": ({'levels = ["liver", "lung"]': 'levels = ["liver", "lungs"]'}, "'progression.competing.causes.away.levels': 'lungs' is no level of 'failure'; did you mean 'lung'?"),
    "interest in nothing": ({'interest = "local"': 'interest = "locale"'}, "'progression.competing.interest': 'locale' is none of the causes ('local', 'away', 'dead'); did you mean 'local'?"),
    "no endpoint": ({'endpoint = "PFS"\nvariable = "failure"': 'endpoint = "PSF"\nvariable = "failure"'}, "'progression.competing.endpoint': no endpoint 'PSF'; did you mean 'PFS'?"),
    "causes of a number": ({'variable = "failure"\ninterest': 'variable = "years"\ninterest'}, "'progression.competing.variable': 'years' is not categorical"),
    "a name that is taken": ({"dead = {": "unrecorded = {"}, "'progression.competing.causes.unrecorded': 'unrecorded' names the events whose cause is not recorded"),
    "labels alike": ({'unrecorded = "Failure, place not recorded"': 'unrecorded = "Local failure"'}, "'progression.competing.causes': two causes have the same label"),
    "months back": ({"months = [6, 12]\n\n[progression": "months = [12, 6]\n\n[progression"}, "'progression.competing.months': times must increase"),
    "no site that is none": ({'no_site = ["none"]': 'no_site = ["nowhere"]'}, "'progression.no_site': 'nowhere' is no level of 'failure' ('none', 'local', 'liver', 'lung')"),
    "a response in numbers": ({'first_site = "failure"': 'response = "years"\nfirst_site = "failure"'}, "'progression.response': 'years' is not categorical"),
}  # fmt: skip


@pytest.mark.parametrize("case", MISTAKES, ids=list(MISTAKES))
def test_a_mistake_gets_its_sentence(study_copy, case):
    replace, sentence = MISTAKES[case]
    with pytest.raises(StudyError) as caught:
        read_study(study_copy(replace))
    assert sentence in str(caught.value)


def test_a_censored_patient_with_an_event_is_pointed_at(study_copy):
    folder = study_copy()
    path = folder / "cohort.csv"
    first, changed, *rest = path.read_text().splitlines()
    assert changed.endswith(",none")
    path.write_text("\n".join([first, changed.removesuffix("none") + "liver", *rest]) + "\n")
    with pytest.raises(CohortError) as caught:
        read_cohort(read_study(folder))
    message = str(caught.value)
    assert "column 'failure', row 2: 'liver' is an event, but endpoint 'PFS' is censored: one event is coded" in message
    assert "P1000" not in message


COMPETING = {
    "label": "First event",
    "endpoint": "PFS",
    "variable": "first",
    "causes": {"near": {"label": "Near", "levels": ["n"]}, "far": {"label": "Far", "levels": ["f"]}},
    "interest": "near",
    "unrecorded": "Not recorded",
    "months": [6, 12],
}


def small(folder, rows, progression):
    """A cohort of (arm, time, event, first, response)."""
    table = pd.DataFrame(rows, columns=["arm", "time", "event", "first", "response"])
    variables = {"first": categorical("none", "n", "f"), "response": categorical("yes", "no")}
    given = {"arms": arms("arm", "x", "y"), "variables": variables, "progression": progression}
    return cohort_of(folder, table, endpoints={"PFS": endpoint(missing_time="exclude")}, **given)


def exhibits(cohort):
    """Everything the section shows: tables, figures, sentences."""
    study, events, tests = cohort.study, describe.events(cohort), describe.progression_tests(cohort)
    counts, differences = describe.progression(cohort), describe.progression_differences(cohort)
    found, gray, curves = incidence.incidences(cohort), incidence.gray_tests(cohort), incidence.curves(cohort)
    shown = {"incidences": found, "at_risk": survival.at_risk(cohort), "tests": gray, "events": events}
    return (
        tables.progression(counts, tests=tests, differences=differences, study=study),
        tables.incidence(found, tests=gray, specific=incidence.cause_specific(cohort), events=events, study=study),
        figures.incidence(curves, **shown, study=study),
        repr(wording.progression(melt([counts, tests, differences, found, gray], "07_progression"), study=study)),
    )


PARTS = {
    "response": {"response": "response"},
    "first_site": {"first_site": "first", "no_site": ["none"]},
    "competing": {"first_site": "first", "no_site": ["none"], "competing": COMPETING},
}
ROWS = [
    ("x", 3, 1, "n", "yes"), ("x", 5, 1, "f", "no"), ("x", 13, 0, "none", "yes"), ("x", 14, 1, "", "no"),
    ("y", 2, 1, "n", "yes"), ("y", 9, 1, "f", "yes"), ("y", 15, 0, "none", "yes"), ("y", 20, 0, "none", ""),
]  # fmt: skip


@pytest.mark.parametrize("part", PARTS)
def test_any_part_may_be_missing(tmp_path, part):
    responses, competing, drawn, said = exhibits(small(tmp_path, ROWS, PARTS[part]))
    assert len(responses) == 1
    assert len(competing) == len(drawn) == (part == "competing")
    rows = "\n".join(row.cells[0] for row in responses[0].rows)
    assert ("recorded site" in rows) == (part != "response")
    assert ("Kaplan-Meier" in said) == (part == "competing")
    assert ("site" in said) == (part != "response")


ODD = {
    "nobody has an event": [("x", 3, 0, "none", ""), ("x", 5, 0, "none", ""), ("y", 9, 0, "none", "yes")],
    "an arm without a time": [("x", None, 0, "none", "yes"), ("y", 5, 1, "n", "no"), ("y", 7, 0, "none", "no")],
    "everybody at once": [("x", 5, 1, "n", "yes")] * 3 + [("y", 5, 1, "n", "yes")] * 3,
    "one event": [("x", 5, 1, "n", "yes"), ("x", 30, 0, "none", "no"), ("y", 30, 0, "none", "no")],
    "nothing recorded": [("x", 5, 1, "", ""), ("y", 8, 1, "", ""), ("y", 30, 0, "", "")],
    "no competing event": [("x", 5, 1, "n", "yes"), ("x", 30, 0, "none", "no"), ("y", 20, 1, "n", "no")],
}


@pytest.mark.parametrize("case", ODD)
@pytest.mark.slow
def test_odd_cohorts_end_in_a_reason(tmp_path, case):
    cohort = small(tmp_path, ODD[case], {"response": "response", **PARTS["competing"]})
    frames = [incidence.incidences(cohort), incidence.gray_tests(cohort), describe.progression_tests(cohort)]
    for frame in frames:
        for _, row in frame.iterrows():
            assert all(row[name] != row[name] for name in row["not_estimable"])
            if row["at"]:
                blank = {name for name in ("incidence", "incidence_low", "incidence_high") if row[name] != row[name]}
                assert blank == set(row["not_estimable"])
    *shown, said = exhibits(cohort)
    assert [len(each) for each in shown] == [1, 1, 1]
    assert "nan" not in said + "".join(table.csv() for table in (*shown[0], *shown[1])) + shown[2][0].alt
    assert "the arms differ" not in said
    if case in ("nobody has an event", "no competing event"):
        assert "No competing event was recorded" in said


def test_the_sentences_of_the_paper(ctrt):
    *_, said = exhibits(ctrt)
    assert "PR/CR 71 (88.8%) and 77 (84.6%)" in said
    assert "event-free 10 (12.8%) and 22 (26.2%); lost before a site was recorded 4 (5.1%) and 1 (1.2%)" in said
    found = select(incidence.incidences(ctrt), level="thoracic", at="24").set_index("group")
    for arm in ("ctrt", "non_ctrt"):
        assert f"{found.loc[arm, 'incidence']:.1f}% ({found.loc[arm, 'incidence_low']:.1f}–" in said
    p = select(incidence.gray_tests(ctrt), level="thoracic")["p_gray"].iloc[0]
    assert p > 0.05
    assert f"Gray's test, P = {p:.2f}: no difference between the cumulative incidences shown" in said
    assert "commonest competing event was distant relapse" in said


def test_a_difference_is_said_where_it_is_shown(tmp_path):
    rows = [("x", 1 + n % 9, 1, "n", "yes") for n in range(40)] + [("y", 30 + n, 0, "none", "no") for n in range(40)]
    *_, said = exhibits(small(tmp_path, rows, {"response": "response", **PARTS["competing"]}))
    assert "Gray's test, P < 0.001: the cumulative incidences differ" in said
    assert said.count("the arms differ") == 1


def test_the_figure_draws_the_curves_and_leaves_out_empty_causes(stent):
    _, _, (figure,), _ = exhibits(stent)
    panels = figure.drawing.axes[:-1]
    assert [panel.get_title(loc="left").split("\n")[0] for panel in panels] == [
        "Local failure",
        "Failure elsewhere",
        "Failure, place not recorded",
    ]
    assert len({panel.get_ylim() for panel in panels}) == 1
    assert any("Death without failure" in note for note in figure.notes)
    data = incidence.first_events(stent)
    for line, arm in zip(panels[0].lines, ("surgery", "stent"), strict=True):
        rows = data[data["procedure"] == arm]
        table = incidence.cumulative_incidence(rows["time"].to_numpy(), rows["cause"].to_numpy(), of="local")
        np.testing.assert_allclose(line.get_ydata(), [0, *(100 * table["incidence"])], rtol=1e-12)
        np.testing.assert_allclose(line.get_xdata(), [0, *table["time"]], atol=1e-6)
        assert line.get_drawstyle() == "steps-post"
    assert panels[0].lines[0].get_linestyle() != panels[0].lines[1].get_linestyle()
    shown = [text.get_text() for text in figure.drawing.axes[-1].texts]
    for _, row in select(survival.at_risk(stent), endpoint="PFS", group=["surgery", "stent"]).iterrows():
        assert f"{int(row['n_risk'])} ({int(row['n_censored'])})" in shown


def test_the_table_says_what_the_rows_say(stent):
    _, (table,), _, _ = exhibits(stent)
    row = select(incidence.incidences(stent), level="local", group="stent", at="12").iloc[0]
    cell = f"{row['incidence']:.1f} ({row['incidence_low']:.1f}–{row['incidence_high']:.1f})"
    assert cell in table.rows[3].cells
    assert table.rows[0].cells[0] == "Local failure"
    assert "Not counted: 2 patients without a usable time." in table.notes
    assert table.mark
