"""The effect of treatment in subgroups: R's values, cases worked by hand, what cannot be estimated, what is drawn."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from agreement import Key, analyses, compare
from building import arms, categorical, cohort_of, continuous, endpoint
from matplotlib.backends.backend_agg import FigureCanvasAgg
from public import load, order
from scipy import optimize, stats

from helpers import cox, notation, within_arm
from helpers.errors import ParameterError
from helpers.figures.subgroups import subgroups as forests
from helpers.ledger import melt, pivot, select
from helpers.study.analyses import Subgroups
from helpers.study.variants import STRATIFIED
from helpers.subgroups import holm, interactions, subgroups
from helpers.tables.subgroups import subgroups as tables

ARMS = {
    "veteran": ("trt", "standard", "test"),
    "rotterdam": ("hormon", "0", "1"),
    "colon_wide[Obs,Lev+5FU]": ("rx", "Obs", "Lev+5FU"),
}
FACTORS = {
    "veteran": ["celltype", "prior"],
    "rotterdam": ["meno", "size", "grade", "chemo"],
    "colon_wide[Obs,Lev+5FU]": ["sex", "obstruct", "adhere", "differ", "node4", "surg", "extent"],
}
CUTS = {
    "veteran": {"age60": ("age", 60), "karno60": ("karno", 60)},
    "rotterdam": {"age65": ("age", 65), "npos": ("nodes", 1), "nodal": ("nodes", 1, 4)},
    "colon_wide[Obs,Lev+5FU]": {"age60": ("age", 60)},
}
LEVELS = {"npos": ["neg", "pos"], "nodal": ["none", "few", "many"]}
EFFECTS = {"coef": "log_hr", "se": "log_hr_se", "p": "p_wald", "hr": "hr", "hr_lcl": "hr_low", "hr_ucl": "hr_high"}
RATIOS = {**EFFECTS, "detectable_low": "detectable_low", "detectable_high": "detectable_high"}
TESTS = {"lrt_p": "p_lrt", "wald_p": "p_overall", "df": "df", "holm_p": "p_holm", "n_tested": "n_tested"}


def public_cohort(folder, dataset: str, outcome: str, variables: list[str], covariates: list[str]):
    frame, (arm, *levels) = load(dataset), ARMS[dataset]
    entries = {name: categorical(*order(name, frame[name])) for name in FACTORS[dataset]}
    for name, (source, *at) in CUTS[dataset].items():
        named = LEVELS.get(name, ["below", "above"])
        entries[source] = continuous()
        entries[name] = categorical(*named, cut={"variable": source, "at": at, "right_closed": False})
    columns = [arm, *(name for name in entries if name in frame), f"{outcome}_time", f"{outcome}_event"]
    return cohort_of(
        folder,
        frame[columns],
        arms=arms(arm, *levels),
        variables=entries,
        endpoints={outcome: endpoint(f"{outcome}_time", f"{outcome}_event", "days")},
        subgroups=asked(variables, covariates, outcome),
    )


def asked(variables: list[str], covariates: list[str] | None = None, outcome: str = "OS") -> dict:
    named = {"endpoints": [outcome], "populations": ["primary"], "variables": variables}
    return {**named, "covariates": covariates or []}


def from_the_project(folder, dataset: str, analysis: str) -> dict[Key, float]:
    outcome, _, text = analysis.split("|")
    covariates = [] if text == "unadjusted" else text.split("+")
    variables = [*FACTORS[dataset], *CUTS[dataset]]
    if covariates and "extent" in variables:
        variables.remove("extent")
    cohort = public_cohort(folder, dataset, outcome, variables, covariates)
    effects, groups = subgroups(cohort), {ARMS[dataset][1]: "reference", ARMS[dataset][2]: "treated"}
    found: dict[Key, float] = {}
    for _, row in effects.iterrows():
        term = f"{row['variable']}={row['level']}" if row["variable"] else "Overall"
        suffix = f"_{groups[row['group']]}" if row["group"] else ""
        values = {f"n{suffix}": row["n"], f"nevent{suffix}": row["n_event"]}
        values |= {} if suffix else {name: row[statistic] for name, statistic in EFFECTS.items()}
        found |= {(dataset, analysis, term, name): value for name, value in values.items()}
    for _, row in interactions(cohort).iterrows():
        kind = "stratified" if row["model"].endswith(STRATIFIED) else "interaction"
        term, values = f"{kind}:{row['variable']}", {"n": row["n"], "nevent": row["n_event"]}
        values |= {name: row[each] for name, each in TESTS.items()}
        if row["level"]:
            term, values = f"ratio:{row['variable']}={row['level']}", {name: row[each] for name, each in RATIOS.items()}
        found |= {(dataset, analysis, term, name): each for name, each in values.items()}
    return found


@pytest.mark.slow
def test_every_subgroup_and_interaction_is_r_s(tmp_path, record_property):
    computed: dict[Key, float] = {}
    for position, each in enumerate(analyses("subgroups.csv")):
        computed |= from_the_project(tmp_path / str(position), *each)
    compare("subgroups.csv", computed, record_property)


def test_holm_by_hand():
    adjusted = holm(np.array([0.01, 0.04, np.nan, 0.03, 0.005]))
    np.testing.assert_allclose(adjusted, [0.03, 0.06, np.nan, 0.06, 0.02])
    np.testing.assert_allclose(holm(np.array([0.6, 0.7])), [1, 1])
    assert holm(np.array([])).size == 0


TEN = pd.DataFrame(
    {
        "arm": list("babababaab"),
        "g": list("uuvvuvuvuv"),
        "time": np.arange(1, 11),
        "event": 1,
    }
)


def two_by_two(folder, table: pd.DataFrame = TEN, variables: tuple[str, ...] = ("g",), **more):
    """A study of arms a and b and the levels u, v, w of g."""
    entries = {"g": categorical("u", "v", "w"), **more.pop("entries", {})}
    study = {"arms": arms("arm", "a", "b"), "variables": entries, "endpoints": {"OS": endpoint()}}
    return cohort_of(folder, table, **study, subgroups=asked(list(variables), more.pop("covariates", None)), **more)


def log_likelihood(table: pd.DataFrame, arm: float, level: float, product: float) -> float:
    """Cox's partial log likelihood of patients with different times, written out by hand."""
    b, v = (table["arm"] == "b").to_numpy(), (table["g"] == "v").to_numpy()
    eta, time = arm * b + level * v + product * (b & v), table["time"].to_numpy()
    deaths = np.flatnonzero(table["event"])
    return sum(eta[i] - np.log(np.exp(eta[time >= time[i]]).sum()) for i in deaths)


def highest(value, size: int) -> float:
    return -optimize.minimize(lambda x: -value(*x), np.zeros(size), method="BFGS", options={"gtol": 1e-9}).fun


def test_an_interaction_by_hand(tmp_path):
    row = interactions(two_by_two(tmp_path)).iloc[0]
    full = highest(lambda b, v, d: log_likelihood(TEN, b, v, d), 3)
    reduced = highest(lambda b, v: log_likelihood(TEN, b, v, 0), 2)
    assert full > reduced + 0.1, "the case must have something to find"
    assert row["p_lrt"] == pytest.approx(stats.chi2.sf(2 * (full - reduced), 1), rel=1e-7)
    assert row[["n", "n_event", "df", "n_tested", "p_holm"]].tolist() == [10, 10, 1, 1, row["p_lrt"]]
    whole = subgroups(two_by_two(tmp_path))
    alone = TEN[TEN["g"] == "v"]
    best = optimize.brentq(
        lambda b: log_likelihood(alone, b + 1e-6, 0, 0) - log_likelihood(alone, b - 1e-6, 0, 0), -5, 5
    )
    effect = select(whole, variable="g", level="v", group="").iloc[0]
    assert effect["log_hr"] == pytest.approx(best, abs=1e-5)
    assert effect["reference"] == "a"


def test_a_level_whose_events_are_all_in_one_arm_has_its_limit_and_no_wald_test(tmp_path):
    table = TEN.assign(event=1 - ((TEN["arm"] == "b") & (TEN["g"] == "v")))
    row = interactions(two_by_two(tmp_path, table)).iloc[0]
    full = highest(lambda b, v: log_likelihood(table, b, v, -60), 2)
    reduced = highest(lambda b, v: log_likelihood(table, b, v, 0), 2)
    assert row["p_lrt"] == pytest.approx(stats.chi2.sf(2 * (full - reduced), 1), rel=1e-7)
    assert row["p_holm"] == row["p_lrt"]
    assert row["not_estimable"] == {"p_overall": "no events in one arm of a level"}
    turned = {"g": {**categorical("u", "v", "w"), "reference": "v"}}
    other = interactions(two_by_two(tmp_path / "turned", table, entries=turned)).iloc[0]
    assert other["p_lrt"] == pytest.approx(row["p_lrt"], rel=1e-9)
    assert list(other["not_estimable"]) == ["p_overall"]
    effect = select(subgroups(two_by_two(tmp_path, table)), variable="g", level="v", group="").iloc[0]
    assert effect["not_estimable"]["hr"] == "no events in one arm"
    assert effect[["n", "n_event"]].tolist() == [5, 3]


def test_a_stratified_interaction_by_hand(tmp_path):
    """One effect for all against one a level, each in the likelihood of its level's patients alone."""
    found = select(interactions(two_by_two(tmp_path)), model="unadjusted:stratified").set_index("level")
    parts = [TEN[TEN["g"] == level] for level in "uv"]
    separate = sum(highest(lambda b, part=part: log_likelihood(part, b, 0, 0), 1) for part in parts)
    together = highest(lambda b: sum(log_likelihood(part, b, 0, 0) for part in parts), 1)
    assert found.loc["", "p_lrt"] == pytest.approx(stats.chi2.sf(2 * (separate - together), 1), rel=1e-7)
    effects = select(subgroups(two_by_two(tmp_path)), variable="g", group="").set_index("level")
    assert found.loc["v", "hr"] == pytest.approx(effects.loc["v", "hr"] / effects.loc["u", "hr"], rel=1e-9)
    se = np.hypot(effects.loc["v", "log_hr_se"], effects.loc["u", "log_hr_se"])
    assert found.loc["v", "log_hr_se"] == pytest.approx(se, rel=1e-9)
    assert np.log(found.loc["v", "detectable_high"]) == pytest.approx((1.959964 + 0.841621) * se, rel=1e-6)
    assert found.loc["v", "detectable_low"] == pytest.approx(1 / found.loc["v", "detectable_high"], rel=1e-12)


def test_an_infinite_effect_is_tested_by_firths_penalised_likelihood(tmp_path):
    """Half the log of the information's determinant is added, under both hypotheses that of both effects."""
    table = TEN.assign(event=1 - ((TEN["arm"] == "b") & (TEN["g"] == "v")))
    row = select(interactions(two_by_two(tmp_path, table)), model="unadjusted:stratified", level="").iloc[0]
    parts = [table[table["g"] == level] for level in "uv"]

    def information(part, b):
        x, time = (part["arm"] == "b").to_numpy() * 1.0, part["time"].to_numpy()
        total = 0.0
        for i in np.flatnonzero(part["event"]):
            weight = np.exp(b * x) * (time >= time[i])
            share = (weight * x).sum() / weight.sum()
            total += share * (1 - share)
        return total

    def penalised(u, v):
        values = [log_likelihood(part, b, 0, 0) for part, b in zip(parts, (u, v), strict=True)]
        return sum(values) + sum(np.log(information(part, b)) for part, b in zip(parts, (u, v), strict=True)) / 2

    statistic = 2 * (highest(penalised, 2) - highest(lambda b: penalised(b, b), 1))
    assert row["p_lrt"] == pytest.approx(stats.chi2.sf(statistic, 1), rel=1e-6)
    assert row["method"].endswith("Firth's penalty, as an effect is infinite")
    assert row["not_estimable"] == {"p_overall": "no events in one arm of a level"}


def many(n: int = 240, seed: int = 5) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(
        {"arm": rng.choice(["a", "b"], n), "g": rng.choice(["u", "v", "w"], n), "x": rng.normal(size=n)}
    )
    rate = np.exp(-0.6 * (table["arm"] == "b") + 0.5 * (table["g"] == "w") + 0.3 * table["x"])
    table["time"] = (rng.exponential(10 / rate)).round(3) + 0.001
    return table.assign(event=(rng.random(n) < 0.7).astype(int), x=table["x"].round(3))


NOT_ESTIMABLE = {
    "nobody": (lambda t: t.assign(g=t["g"].replace("w", "v")), "no patients", None),
    "one arm": (lambda t: t[(t["g"] != "w") | (t["arm"] == "a")], "no patients in one arm", None),
    "no events": (lambda t: t.assign(event=t["event"].where(t["g"] != "w", 0)), "no events", None),
    "one arm without events": (
        lambda t: t.assign(event=t["event"].where((t["g"] != "w") | (t["arm"] == "a"), 0)),
        "no events in one arm",
        "p_overall",
    ),
}


@pytest.mark.parametrize("name", NOT_ESTIMABLE)
def test_a_level_that_cannot_be_estimated_says_why_and_costs_only_itself(tmp_path, name):
    change, reason, statistic = NOT_ESTIMABLE[name]
    table = change(many())
    cohort = two_by_two(tmp_path, table)
    frame = select(subgroups(cohort), variable="g", group="").set_index("level")
    assert frame.loc["w", "not_estimable"]["hr"] == reason
    assert frame.loc["w", "n"] == (table["g"] == "w").sum()
    assert frame.loc[["u", "v"], "hr"].between(0.1, 2).all()
    row = interactions(cohort).iloc[0]
    assert row["n"] == len(table)
    assert row["df"] == (2 if statistic else 1)
    assert 0 < row["p_lrt"] < 1
    assert list(row["not_estimable"]) == ([statistic] if statistic else [])


def test_levels_without_a_product_stay_in_both_models(tmp_path):
    table = many()
    table = table[(table["g"] != "w") | (table["arm"] == "a")]
    row = interactions(two_by_two(tmp_path, table)).iloc[0]
    x = pd.DataFrame({level: (table["g"] == level) * 1.0 for level in "vw"}).assign(b=(table["arm"] == "b") * 1.0)
    time, event = table["time"].to_numpy(), table["event"].to_numpy()
    reduced = cox.fit(x, time, event)
    full = cox.fit(x.assign(bv=x["b"] * x["v"]), time, event)
    chi_square = 2 * (full.log_likelihood - reduced.log_likelihood)
    assert row["p_lrt"] == pytest.approx(stats.chi2.sf(chi_square, 1), rel=1e-9)
    assert row["p_overall"] == pytest.approx(cox.wald(full, ["bv"])[1], rel=1e-9)


WHOLE = {
    "no events": (lambda t: t.assign(event=0), "no events"),
    "no events in one arm": (lambda t: t.assign(event=t["event"].where(t["arm"] == "a", 0)), "no events in one arm"),
    "one level": (lambda t: t.assign(g="u"), "fewer than two levels have patients in both arms and events"),
    "no value": (lambda t: t.assign(g=None), "no patients"),
    "an arm a level": (
        lambda t: t.assign(g=np.where(t["arm"] == "a", "u", "v")),
        "fewer than two levels have patients in both arms and events",
    ),
    "early censored": (
        lambda t: t.assign(time=np.where((t["g"] != "u") & (t["arm"] == "b"), 1e-4, t["time"])).assign(
            event=np.where((t["g"] != "u") & (t["arm"] == "b"), 0, t["event"])
        ),
        "fewer than two levels have patients in both arms and events",
    ),
}


@pytest.mark.parametrize("name", WHOLE)
def test_an_interaction_that_cannot_be_tested_says_why_and_is_not_counted(tmp_path, name):
    change, reason = WHOLE[name]
    table = change(many())
    table["h"] = np.where(np.arange(len(table)) % 2, "p", "q")
    cohort = two_by_two(tmp_path, table, ("g", "h"), entries={"h": categorical("p", "q")})
    found = interactions(cohort)
    for model in ("unadjusted", "unadjusted:stratified"):
        rows = select(found, model=model, level="").set_index("variable")
        assert set(rows.loc["g", "not_estimable"].values()) == {reason}
        assert rows.loc["g", ["df", "p_overall", "p_lrt", "p_holm"]].isna().all()
        assert set(rows.loc["g", "not_estimable"]) == {"df", "p_overall", "p_lrt", "p_holm"}
        tested = int(name not in {"no events", "no events in one arm"})
        assert rows["n_tested"].tolist() == [tested, tested]
        assert rows.loc["h", "p_holm"] == pytest.approx(rows.loc["h", "p_lrt"], nan_ok=True)
    frame = subgroups(cohort)
    assert frame.loc[frame["group"] == "", "not_estimable"].map(bool).any()
    melt([frame, found], "05_subgroups")
    (figure,) = forests(frame, interactions=found, study=cohort.study)
    (table,) = tables(frame, interactions=found, study=cohort.study)
    assert "n.e., not estimable" in " ".join(figure.notes)
    assert reason in " ".join(table.notes)


def test_the_reference_level_changes_no_test(tmp_path):
    found = []
    for reference in "uvw":
        entry = {**categorical("u", "v", "w"), "reference": reference}
        found.append(interactions(two_by_two(tmp_path / reference, many(), entries={"g": entry})).iloc[0])
    assert all(each["df"] == 2 for each in found)
    for name in ("p_lrt", "p_overall"):
        np.testing.assert_allclose([each[name] for each in found], found[0][name], rtol=1e-8)


def test_a_covariate_is_left_out_where_it_makes_the_subgroup_or_follows_from_it(tmp_path):
    table = many()
    table["late"] = np.where(table["g"] == "u", "no", "yes")
    entries = {"late": categorical("no", "yes"), "x": continuous()}
    cohort = two_by_two(tmp_path / "1", table, ("g", "late"), entries=entries, covariates=["g", "x"])
    other = two_by_two(tmp_path / "2", table, ("g", "late"), entries=entries, covariates=["late", "x"])
    effects, effects_other = (select(subgroups(each), variable="g", group="") for each in (cohort, other))
    x = pd.DataFrame({each: ((table["arm"] == "b") & (table["g"] == each)) * 1.0 for each in "uvw"}).assign(
        x=table["x"]
    )
    expected = cox.fit(x, table["time"].to_numpy(), table["event"].to_numpy(), table["g"].to_numpy())
    for frame in (effects, effects_other):
        for _, row in frame.iterrows():
            assert row["log_hr"] == pytest.approx(expected.log_hr[row["level"]], rel=1e-9)
            assert row["model"] == "adjusted"
    assert effects["method"].iloc[0].endswith("Efron ties, adjusted for x")
    assert cohort.study.adjusted(effects["method"].iloc[0], ["x"]).endswith("Efron ties, adjusted for A number")
    tests, tests_other = (select(interactions(each), variable="g").iloc[0] for each in (cohort, other))
    assert tests["df"] == tests_other["df"] == 2
    assert tests["p_lrt"] == pytest.approx(tests_other["p_lrt"], rel=1e-9)


def test_covariates_more_than_the_events_and_confounded_treatment_are_said(tmp_path):
    table = many(60)
    table["twin"] = (table["arm"] == "b") * 1.0
    entries = {"twin": continuous()}
    cohort = two_by_two(tmp_path / "1", table, entries=entries, covariates=["twin"])
    reasons = [each for row in (subgroups(cohort), interactions(cohort)) for each in row["not_estimable"] if each]
    assert {reason for each in reasons for reason in each.values()} == {"covariates are linearly dependent"}
    few = table.assign(event=table.index.isin(table.groupby(["g", "arm"]).head(1).index).astype(int))
    rng = np.random.default_rng(1)
    names = [f"z{i}" for i in range(4)]
    few[names] = rng.normal(size=(60, 4)).round(3)
    wide = two_by_two(tmp_path / "2", few, entries=dict.fromkeys(names, continuous()), covariates=names)
    frame = select(subgroups(wide), variable="g", group="")
    assert {each["hr"] for each in frame["not_estimable"]} == {"more parameters than events"}


def test_who_is_in_no_subgroup_is_counted(tmp_path):
    table = many(100).assign(d="u")
    table.loc[:9, "g"] = None
    table.loc[table["arm"] == "a", "d"] = None
    table.loc[20:22, "time"] = None
    when = {"column": "arm", "op": "==", "value": "b"}
    entries = {"d": categorical("u", "v", applies_when=when)}
    study = {"arms": arms("arm", "a", "b"), "variables": {"g": categorical("u", "v", "w"), **entries}}
    points = {"OS": endpoint(missing_time="exclude")}
    cohort = cohort_of(tmp_path, table, **study, endpoints=points, subgroups=asked(["g", "d"]))
    found, known = interactions(cohort), table[table["time"].notna()]
    rows = select(found, model="unadjusted:stratified", level="").set_index("variable")
    lost = ["n_missing", "n_not_applicable", "n_no_time"]
    assert rows.loc["g", ["n", *lost]].tolist() == [87, 10, 0, 3]
    assert rows.loc["d", lost].tolist() == [0, (known["arm"] == "a").sum(), 3]
    frame = subgroups(cohort)
    assert select(frame, variable="g", group="")["n"].sum() == 87
    assert select(frame, variable="", group="")["n"].tolist() == [97]
    by_arm = select(frame, variable="g", group=["a", "b"])
    assert by_arm["n"].sum() == 87
    assert by_arm["n_event"].sum() == rows.loc["g", "n_event"]
    (exhibit,) = tables(frame, interactions=found, study=cohort.study)
    assert "Patients in no subgroup of a variable, without a value of it: A factor 10." in exhibit.notes
    assert "Patients without a usable time, in no row: 3." in exhibit.notes
    assert any(
        note.startswith("Patients in no subgroup of a variable, in whom it cannot exist") for note in exhibit.notes
    )


def with_subgroups(cohort, **asked):
    """A cohort whose study asks for subgroups."""
    return replace(cohort, study=cohort.study.model_copy(update={"subgroups": Subgroups(**asked)}))


def test_populations_are_the_study_s_or_the_one_that_is_named(stent, gbsg2):
    cohort = with_subgroups(stent, endpoints=["OS", "PFS"], populations=["primary", "staged"], variables=["centre"])
    assert list(dict.fromkeys(subgroups(cohort)["population"])) == ["primary", "staged"]
    found = select(interactions(cohort), level="")
    assert found[["population", "model", "endpoint"]].to_numpy().tolist() == [
        [population, model, endpoint]
        for population in ("primary", "staged")
        for model in ("unadjusted", "unadjusted:stratified")
        for endpoint in ("OS", "PFS")
    ]
    for (_, _), own in found.groupby(["population", "model"]):
        assert own["n_tested"].tolist() == [2, 2], "Holm is over both endpoints, as the sentences count them"
        np.testing.assert_allclose(own["p_holm"], holm(own["p_lrt"].to_numpy()))
    assert set(subgroups(cohort, "alive_at_12")["population"]) == {"alive_at_12"}
    stented = subgroups(cohort, "stented")
    assert {each.get("hr") for each in stented.loc[stented["group"] == "", "not_estimable"]} == {
        "no patients in one arm"
    }
    with pytest.raises(ParameterError, match="there is no population 'stage'; did you mean 'staged'"):
        subgroups(cohort, "stage")
    silent = replace(gbsg2, study=gbsg2.study.model_copy(update={"subgroups": None}))
    effects, tests = subgroups(silent), interactions(silent)
    assert effects.empty
    assert tests.empty
    assert [show(effects, interactions=tests, study=silent.study) for show in (forests, tables)] == [[], []]


@pytest.fixture(scope="module")
def asked_gbsg2(gbsg2):
    cohort = with_subgroups(
        gbsg2, endpoints=["RFS"], populations=["primary"], variables=["menostat", "tgrade", "node_group"]
    )
    return cohort, subgroups(cohort), interactions(cohort)


def test_the_forest_draws_the_estimates(asked_gbsg2):
    cohort, frame, tests = asked_gbsg2
    (figure,) = forests(frame, interactions=tests, study=cohort.study)
    (axes,) = figure.drawing.axes
    effects = frame[frame["group"] == ""]
    levels = effects[effects["variable"] != ""]
    squares = [line for line in axes.lines if line.get_marker() == "s"]
    np.testing.assert_allclose([line.get_xdata()[0] for line in squares], levels["hr"], rtol=1e-12)
    areas = np.array([line.get_markersize() ** 2 for line in squares])
    information = 1 / levels["log_hr_se"].to_numpy() ** 2
    np.testing.assert_allclose(areas / areas.max(), information / information.max(), rtol=1e-9)
    bars = [line for line in axes.lines if line.get_linewidth() == 1.2 and len(line.get_xdata()) == 2]
    np.testing.assert_allclose([bar.get_xdata() for bar in bars], levels[["hr_low", "hr_high"]], rtol=1e-12)
    diamond = axes.patches[0].get_path().vertices
    overall = effects.iloc[0]
    assert [diamond[:, 0].min(), diamond[:, 0].max()] == [overall["hr_low"], overall["hr_high"]]
    vertical = [line.get_xdata()[0] for line in axes.lines if line.get_xdata()[0] == line.get_xdata()[-1]]
    assert {1, overall["hr"]} <= set(vertical)
    texts = [text.get_text() for text in axes.texts]
    for said in ("All patients", "Menopausal status", "0.69 (0.54–0.89)", "246 / 94", "440 / 205", "HR (95% CI)"):
        assert said in texts
    expected = select(tests, model="unadjusted:stratified", level="")["p_lrt"].map("{:.2f}".format).tolist()
    assert [text for text in texts if text in expected] == expected
    assert "←\N{NO-BREAK SPACE}Lower hazard with Hormonal therapy" in texts
    assert f"Menopausal status, P for interaction {expected[0]}; Premenopausal 0.69 (0.43–1.10)" in figure.alt
    assert figure.name == "subgroups_RFS"
    assert "not adjusted for the number of tests (3)" in " ".join(figure.notes)


def test_an_interval_beyond_the_axis_ends_in_an_arrow(asked_gbsg2):
    cohort, frame, tests = asked_gbsg2
    wide = frame.copy()
    row = wide.index[(wide["level"] == "I") & (wide["group"] == "")][0]
    wide.loc[row, ["hr", "hr_low", "hr_high"]] = [1.5, 0.02, 80.0]
    (figure,) = forests(wide, interactions=tests, study=cohort.study)
    (axes,) = figure.drawing.axes
    arrows = {line.get_marker(): line.get_xdata()[0] for line in axes.lines if line.get_marker() in "<>"}
    assert arrows == {"<": 0.1, ">": 10.0}
    assert axes.get_xlim() == (0.1, 10.0)


def test_the_table_says_the_estimates_and_what_so_many_tests_are_worth(asked_gbsg2):
    cohort, frame, tests = asked_gbsg2
    (table,) = tables(frame, interactions=tests, study=cohort.study)
    effects = frame[frame["group"] == ""].set_index("level")
    assert table.rows[0].cells[:5] == ("All patients", "440 / 205", "246 / 94", "0.69 (0.54–0.89)", "")
    assert [row.cells[0] for row in table.rows if not row.indent] == [
        "All patients",
        "Menopausal status",
        "Tumour grade",
        "Lymph node group",
    ]
    third = next(row for row in table.rows if row.cells[0] == "III")
    assert third.cells[3].startswith(f"{effects.loc['III', 'hr']:.2f} (")
    grade = next(row for row in table.rows if row.cells[0] == "Tumour grade")
    own, common = (
        select(tests, variable="tgrade", model=model).set_index("level")
        for model in ("unadjusted:stratified", "unadjusted")
    )
    shown = [own.loc["", "p_lrt"], own.loc["", "p_holm"], common.loc["", "p_lrt"]]
    assert list(grade.cells[4:7]) == [notation.p_value(each) for each in shown]
    far = np.exp((stats.norm.ppf(0.975) + stats.norm.ppf(0.8)) * own.loc["III", "log_hr_se"])
    assert third.cells[7] == f"{1 / far:.2f} or {far:.2f}"
    assert "Interactions tested, all endpoints together: 3." in table.notes[1]
    assert "0.15 of them would still be expected with P below 0.05 by chance" in table.notes[1]
    assert {len(row.cells) for row in table.rows} == {len(table.header)} == {sum(n for _, n in table.spanners)}
    assert "†" not in table.csv()


def test_ledger_rows_show_the_same(asked_gbsg2):
    cohort, frame, tests = asked_gbsg2
    rows = melt([frame, tests], "05_subgroups")
    again = [pivot(select(rows, analysis=name)) for name in ("subgroup", "interaction")]
    one, two = (show(frame, interactions=tests, study=cohort.study)[0] for show in (forests, tables))
    three, four = (show(again[0], interactions=again[1], study=cohort.study)[0] for show in (forests, tables))
    assert one.alt == three.alt
    assert one.notes == three.notes
    assert two == four


def test_a_variable_known_only_later_is_marked(stent):
    cohort = with_subgroups(stent, endpoints=["OS"], populations=["staged"], variables=["centre", "perforation"])
    frame, tests = subgroups(cohort), interactions(cohort)
    (figure,), (table,) = (show(frame, interactions=tests, study=cohort.study) for show in (forests, tables))
    assert "Perforation†" in [text.get_text() for text in figure.drawing.axes[0].texts]
    assert "Perforation†" in [row.cells[0] for row in table.rows]
    assert "Centre" in [row.cells[0] for row in table.rows]
    for exhibit in (figure, table):
        assert any(note.startswith("† Known only after time zero") for note in exhibit.notes)
        assert exhibit.mark == stent.study.mark
        assert exhibit.title.endswith("(Patients with a known stage II or III)")
        assert exhibit.name == "subgroups_OS_staged"
    assert stent.study.mark in [text.get_text() for text in figure.drawing.texts]
    assert "HR (90% CI)" in table.header


@pytest.fixture
def crowded(tmp_path):
    """Thirteen variables of two or three levels and labels as long as studies have them, a level of one arm."""
    table, rng = many(160), np.random.default_rng(9)
    entries = {}
    for position in range(12):
        levels = ["p", "q", "r"][: 2 + position % 2]
        table[f"v{position}"] = rng.choice(levels, len(table))
        entries[f"v{position}"] = categorical(*levels, post_baseline=position == 3)
    entries["v0"]["label"] = "Locoregional disease after completion of all planned treatment at the primary site"
    entries["v1"]["levels"]["q"] = "Regional lymph nodes involved on both sides of the mediastinum but nothing beyond"
    entries["v2"]["label"] = "Immunotherapymaintenanceuntilprogressionorunacceptabletoxicity"
    table = table[(table["v4"] != "q") | (table["arm"] == "a")]
    cohort = two_by_two(tmp_path, table, ("g", *entries), entries=entries)
    named = {
        "a": "Best supportive care without any radiotherapy",
        "b": "Consolidative radiotherapy to the whole thorax",
    }
    changed = cohort.study.arms.model_copy(update={"levels": named})
    return replace(cohort, study=cohort.study.model_copy(update={"arms": changed}))


@pytest.mark.slow
def test_no_text_of_a_crowded_forest_is_cut_or_meets_another(crowded):
    frame, tests = subgroups(crowded), interactions(crowded)
    (figure,) = forests(frame, interactions=tests, study=crowded.study)
    drawing = figure.drawing
    assert drawing.get_size_inches()[0] == 7
    renderer = FigureCanvasAgg(drawing).get_renderer()
    drawing.draw(renderer)
    width, height = drawing.canvas.get_width_height()
    (axes,) = drawing.axes
    boxes = {
        id(text): (text.get_text(), text.get_window_extent(renderer)) for text in [*axes.texts, *axes.get_xticklabels()]
    }
    boxes |= {
        id(text): (text.get_text(), text.get_window_extent(renderer)) for text in [axes.xaxis.label, *drawing.texts]
    }
    assert len(boxes) > 100
    for said, box in boxes.values():
        assert box.x0 >= 0, said
        assert box.y0 >= 0, said
        assert box.x1 <= width, said
        assert box.y1 <= height, said
    for (one, first), (two, second) in combinations(boxes.values(), 2):
        assert not first.overlaps(second), (one, two)
    plot = axes.get_window_extent(renderer)
    inside = [said for said, box in boxes.values() if box.y1 > plot.y0 and box.x1 > plot.x0 and box.x0 < plot.x1]
    assert inside == []


def test_the_trend_over_ordered_levels_is_a_cox_model_per_step(tmp_path):
    """Steps 0, 1, 2 in the order named; who is in the level left out is in no step."""
    table = many(200).rename(columns={"g": "dose"})
    table["dose"] = table["dose"].where(np.arange(200) % 9 > 0, "other")
    entries = {"dose": categorical("u", "v", "w", "other", order=["w", "u", "v"]), "x": continuous()}
    asked = {"name": "dose", "label": "Dose", "variable": "dose", "population": "primary", "pairwise": False}
    cohort = cohort_of(
        tmp_path,
        table,
        arms=arms("arm", "a", "b"),
        variables=entries,
        endpoints={"OS": endpoint()},
        within_arm=[{**asked, "endpoints": ["OS"], "covariates": ["x"]}],
    )
    rows = within_arm.trends(cohort).set_index("model")
    inside = table[table["dose"] != "other"]
    step = inside["dose"].map({"w": 0.0, "u": 1.0, "v": 2.0})
    time, event = inside["time"].to_numpy(), inside["event"].to_numpy()
    alone = cox.fit(pd.DataFrame({"step": step}), time, event)
    beside = cox.fit(pd.DataFrame({"x": inside["x"], "step": step}), time, event)
    assert rows.loc["unadjusted", "log_hr"] == pytest.approx(alone.log_hr["step"], rel=1e-9)
    assert rows.loc["dose", "log_hr"] == pytest.approx(beside.log_hr["step"], rel=1e-9)
    assert rows.loc["dose", ["n", "n_event"]].tolist() == [len(inside), inside["event"].sum()]
    assert rows.loc["dose", "log_hr_se"] == pytest.approx(np.sqrt(beside.covariance.loc["step", "step"]), rel=1e-9)
