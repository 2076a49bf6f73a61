"""Table 1 against cases worked by hand, against tableone, and where nothing can be estimated."""

from itertools import product
from math import comb

import numpy as np
import pandas as pd
import pytest
from building import arms, categorical, cohort_of, continuous, endpoint
from scipy import stats
from tableone import TableOne

from helpers import describe, tables
from helpers.describe.balance import APART
from helpers.ledger import select
from helpers.study.analyses import RowTests

RULE = RowTests(two_by_two="yates", larger="pearson", small_expected="fisher", continuous="welch")


def test_counts_and_summaries_by_hand(tmp_path):
    table = pd.DataFrame(
        {
            "arm": ["a"] * 4 + ["b"] * 4,
            "x": [1, 2, 4, None, 10, 10, 40, None],
            "g": ["u", "v", "v", "v", "u", "u", "", "w"],
            "time": range(1, 9),
            "event": [1] * 8,
        }
    )
    variables = {"x": continuous(), "g": categorical("u", "v", "w")}
    cohort = cohort_of(tmp_path, table, arms=arms("arm", "a", "b"), variables=variables, endpoints={"OS": endpoint()})
    x = describe.summaries(cohort).set_index("group")
    assert x.loc["a", ["n", "n_missing", "percent_missing", "median", "q1", "q3"]].tolist() == [3, 1, 25, 2, 1.5, 3]
    assert x.loc["a", "mean"] == pytest.approx(7 / 3, rel=1e-15)
    assert x.loc["b", "sd"] == pytest.approx(np.sqrt(300), rel=1e-15)
    g = describe.counts(cohort).set_index(["group", "variable", "level"])
    assert g.loc[("b", "g", "u"), ["n", "percent"]].tolist() == [2, pytest.approx(200 / 3)]
    assert g.loc[("b", "g", ""), ["n", "n_missing", "percent_missing"]].tolist() == [3, 1, 25]
    assert g.loc[("overall", "", ""), "n"] == 8
    smd = select(describe.balance(cohort), level="").set_index("variable")["smd_pooled"]
    assert smd["x"] == pytest.approx((20 - 7 / 3) / np.sqrt((300 + 7 / 3) / 2), rel=1e-14)
    difference = np.array([0 - 3 / 4, 1 / 3 - 0])
    spread = [np.diag(p) - np.outer(p, p) for p in (np.array([0, 1 / 3]), np.array([3 / 4, 0]))]
    expected = np.sqrt(difference @ np.linalg.inv((spread[0] + spread[1]) / 2) @ difference)
    assert smd["g"] == pytest.approx(expected, rel=1e-12)


def test_the_rule_chooses_and_names_the_test():
    table = np.array([[30, 20], [18, 32]])
    deviation = abs(30 - 24) - 0.5
    yates = sum(deviation**2 / e for e in (24, 26, 24, 26))
    result = describe.categorical_test(table, RULE)
    assert result["method"] == "chi-square test with Yates' correction"
    assert result["test_statistic"] == pytest.approx(yates, rel=1e-14)
    assert describe.categorical_test(np.array([[8, 2], [1, 9]]), RULE)["method"] == "Fisher's exact test"
    assert (
        describe.categorical_test(np.array([[8, 2], [1, 9]]), RULE, "pearson")["method"] == "Pearson's chi-square test"
    )
    wide = describe.categorical_test(np.array([[30, 20, 10], [18, 32, 12]]), RULE)
    assert (wide["method"], wide["df"]) == ("Pearson's chi-square test", 2)
    empty = describe.categorical_test(np.array([[30, 0], [18, 0]]), RULE)
    assert empty["not_estimable"] == {"p_test": "all patients are in one level"}


@pytest.mark.parametrize("table", [[[3, 1, 4], [1, 5, 2]], [[2, 0, 3, 1], [1, 4, 0, 2]], [[5, 1], [2, 7]]])
def test_fisher_sums_every_table_no_likelier_than_the_one_seen(table):
    table = np.array(table)
    columns, first = table.sum(axis=0), table[0].sum()
    chance = {
        row: np.prod([comb(int(c), x) for c, x in zip(columns, row, strict=True)]) / comb(int(table.sum()), int(first))
        for row in product(*(range(c + 1) for c in columns))
        if sum(row) == first
    }
    seen = chance[tuple(table[0])]
    expected = sum(p for p in chance.values() if p <= seen * (1 + 1e-7))
    assert describe.fisher_exact(table) == pytest.approx(expected, rel=1e-12)
    if table.shape == (2, 2):
        assert describe.fisher_exact(table) == pytest.approx(stats.fisher_exact(table).pvalue, rel=1e-12)


def test_fisher_beyond_reach_is_said_and_not_guessed():
    table = np.full((2, 8), 40)
    result = describe.categorical_test(table, RULE, "fisher")
    assert np.isnan(result["p_test"])
    assert "choose 'pearson'" in result["not_estimable"]["p_test"]


def test_rank_sum_is_exact_only_where_r_is():
    few = describe.continuous_test(np.array([1.1, 2.2, 3.3]), np.array([4.4, 5.5, 6.6, 0.5]), "rank_sum")
    assert few["method"] == "Wilcoxon rank-sum test, exact"
    assert few["test_statistic"] == 3
    assert few["p_test"] == pytest.approx(14 / 35, rel=1e-12)
    tied = describe.continuous_test(np.array([1.0, 2, 2]), np.array([2.0, 3, 4]), "rank_sum")
    assert tied["method"] == "Wilcoxon rank-sum test, normal approximation with continuity correction"


def test_nothing_is_estimated_where_only_one_arm_can_have_the_variable(stent):
    for frame, statistic in ((describe.comparisons(stent), "p_test"), (describe.balance(stent), "smd_pooled")):
        row = select(frame, variable="diameter").iloc[0]
        assert np.isnan(row[statistic])
        assert row["not_estimable"] == {statistic: "only one arm can have this variable"}
    surgery = select(describe.counts(stent), variable="diameter", level="8", group="surgery").iloc[0]
    assert surgery["n"] == 0
    assert np.isnan(surgery["percent"])
    whole = select(describe.counts(stent), variable="diameter", level="", group="overall").iloc[0]
    assert (whole["n"], whole["n_missing"]) == (30, 0)


def test_tableone_counts_the_same_women(gbsg2):
    rows = gbsg2.rows().astype({"horTh": str, "menostat": str, "tgrade": str})
    theirs = TableOne(
        rows,
        columns=["age", "menostat", "tgrade", "pnodes"],
        categorical=["menostat", "tgrade"],
        groupby="horTh",
        nonnormal=["pnodes"],
        pval=True,
        smd=True,
        decimals={"age": 2},
        include_null=False,
    ).tableone["Grouped by horTh"]
    ours = tables.baseline(
        describe.counts(gbsg2),
        summaries=describe.summaries(gbsg2),
        comparisons=describe.comparisons(gbsg2),
        balance=describe.balance(gbsg2),
        study=gbsg2.study,
    )
    cells = {row.cells[0]: row.cells for row in ours.rows}
    age = theirs.loc[("age, mean (SD)", "")]
    assert cells["Age (years), mean ± SD"][2] == age["no"].replace(" (", " ± ").rstrip(")")
    assert cells["Tumour grade"][5] == "0.13"
    assert float(age["SMD (no,yes)"]) == pytest.approx(
        select(describe.balance(gbsg2), variable="age")["smd_pooled"].iloc[0], abs=5e-4
    )
    for level in ("I", "II", "III"):
        assert cells[level][2] == theirs.loc[("tgrade, n (%)", level), "no"]
    assert cells["Positive lymph nodes, median (IQR)"][1].startswith("3.0 (1.0–7.0)")


def test_table_one_shows_missing_values_and_keeps_them_out_of_the_test(stent):
    table = tables.baseline(
        describe.counts(stent),
        summaries=describe.summaries(stent),
        comparisons=describe.comparisons(stent),
        balance=describe.balance(stent),
        study=stent.study,
    )
    cells = [row.cells for row in table.rows]
    position = next(i for i, row in enumerate(cells) if row[0] == "AJCC stage")
    assert cells[position + 4][:4] == ("Missing", "5 (8.3)", "2 (6.7)", "3 (10.0)")
    counted = pd.crosstab(stent.rows()["procedure"], stent.rows()["stage"]).to_numpy()
    p = select(describe.comparisons(stent), variable="stage")["p_test"].iloc[0]
    assert p == pytest.approx(stats.chi2_contingency(counted)[1], rel=1e-12)
    assert table.mark in table.footnotes[0]
    position = next(i for i, row in enumerate(cells) if row[0] == "Stent diameter*")
    assert [row[0] for row in cells[position + 1 : position + 5]] == ["8 mm", "10 mm", "12 mm", "Up to 10 mm"]
    assert cells[position + 4][1:4] == ("17 (56.7)", "0 (n.e.)", "17 (56.7)")
    assert "* As written on the package." in table.notes


def test_what_is_known_later_is_marked(ctrt):
    cohort = ctrt
    frames = {name: getattr(describe, name)(cohort) for name in ("summaries", "comparisons", "balance")}
    table = tables.baseline(describe.counts(cohort), **frames, study=cohort.study)
    labels = [row.cells[0] for row in table.rows if not row.indent]
    assert "Response†*" in labels
    assert "Sex" in labels
    assert "† Known only after time zero." in table.notes
    assert "* After induction chemo-immunotherapy." in table.notes


def test_the_course_of_the_disease_is_a_table_of_its_own(stent, gbsg2):
    (table,) = tables.course(describe.course(stent), study=stent.study)
    assert [row.cells for row in table.rows] == [
        ("Perforation", "", "", ""),
        ("None", "57 (95.0)", "27 (90.0)", "30 (100.0)"),
        ("Perforated", "3 (5.0)", "3 (10.0)", "0 (0.0)"),
    ]
    assert tables.course(describe.course(gbsg2), study=gbsg2.study) == []


def test_the_missing_share_of_all_is_that_of_the_worst_variable(stent):
    rows = stent.rows()
    asked = {name: rows[stent.applies(name, rows)][name] for name in stent.study.table_one.variables}
    worst = max(values.isna().mean() for values in asked.values())
    whole = select(describe.counts(stent), variable="", group="overall").iloc[0]
    assert len(asked["diameter"]) == 30
    assert whole["percent_missing"] == pytest.approx(100 * worst, rel=1e-14)
    assert whole["method"] == "most missing: albumin"


def test_unused_levels_cost_nothing(tmp_path):
    rng = np.random.default_rng(1)
    table = pd.DataFrame({"arm": ["a", "b"] * 20, "g": rng.choice(["u", "v"], 40), "time": range(1, 41), "event": 1})
    study = {"arms": arms("arm", "a", "b"), "endpoints": {"OS": endpoint()}}
    smd = {}
    for levels in (("u", "v"), ("u", "v", "w"), ("t", "u", "v")):
        cohort = cohort_of(tmp_path / "".join(levels), table, **study, variables={"g": categorical(*levels)})
        smd[levels] = describe.balance(cohort)["smd_pooled"].iloc[0]
    assert len(set(smd.values())) == 1
    assert np.isfinite(smd["u", "v"])


def test_arms_that_do_not_vary_have_neither_difference_nor_test(tmp_path):
    table = pd.DataFrame({"arm": ["a"] * 3 + ["b"] * 3, "x": [0.1] * 3 + [0.3] * 3, "time": range(1, 7), "event": 1})
    study = {
        "arms": arms("arm", "a", "b"),
        "endpoints": {"OS": endpoint()},
        "variables": {"x": continuous(test="welch")},
    }
    cohort = cohort_of(tmp_path, table, **study)
    assert describe.balance(cohort).iloc[0]["not_estimable"] == {
        "smd_pooled": APART,
        "smd_att": APART,
        "variance_ratio": "the variable does not vary within the arms",
    }
    assert describe.comparisons(cohort).iloc[0]["not_estimable"] == {
        "p_test": "the variable does not vary within the arms"
    }


def test_large_and_small_numbers_are_printed_as_they_are(tmp_path):
    table = pd.DataFrame(
        {"arm": ["a", "b"] * 4, "x": [150000, 400000] * 4, "y": [0.001, 0.004] * 4, "time": range(1, 9), "event": 1}
    )
    variables = {"x": continuous(summary="median_iqr", digits=0), "y": continuous(summary="median_iqr", digits=3)}
    study = {"arms": arms("arm", "a", "b"), "endpoints": {"OS": endpoint()}, "variables": variables}
    cohort = cohort_of(tmp_path, table, **study)
    shown = tables.baseline(
        describe.counts(cohort),
        summaries=describe.summaries(cohort),
        comparisons=describe.comparisons(cohort),
        balance=describe.balance(cohort),
        study=cohort.study,
    )
    assert [row.cells[2] for row in shown.rows] == ["150000 (150000–150000)", "0.001 (0.001–0.001)"]
