"""Agreement with R on public patients: every reference value is compared, or named in left_out.csv with the reason.

`reference/reference.R` wrote the values; `agreement.compare` says what equal means.
"""

import csv
import math
import re
from collections import Counter
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from agreement import REFERENCE, Key, analyses, compare, reference
from building import arms, categorical, cohort_of, continuous, endpoint
from public import load, order

from helpers import cox, describe, survival
from helpers.cells import plain
from helpers.cox import likelihood
from helpers.ledger import select
from helpers.study.analyses import RowTests

INTERVALS = {"log": "log", "log-log": "log_log"}
ARMS = {
    "veteran": "trt",
    "lung": "sex",
    "colon_wide": "sex",
    "rotterdam": "hormon",
    "gbsg": "hormon",
    "jasa": "transplant",
    "pbc": "trt",
}
FACTORS = {"celltype", "prior", "rx", "size", "factor(differ)", "factor(extent)", "factor(grade)"}
MODELS = {
    ("veteran", "multi"): "trt celltype karno diagtime age prior",
    ("veteran", "multi+strata(celltype)"): "trt karno diagtime age prior",
    ("veteran", "trt_vs_ctrl_adj_karno_celltype"): "trt karno celltype",
    ("jasa", "naive_transplant_only(immortal-time bias)"): "transplant",
    ("jasa", "naive_multi"): "transplant age surgery",
    ("colon_wide", "multi"): "rx sex age obstruct adhere factor(differ) factor(extent) surg node4",
    ("colon_wide", "rx_only"): "rx",
    ("rotterdam", "multi"): "hormon chemo age meno size grade nodes pgr er",
    ("lung", "multi_completecase"): "age sex ph.ecog ph.karno wt.loss",
    ("gbsg", "multi"): "hormon age meno size factor(grade) nodes pgr er",
    ("gbsg", "multi+strata(grade)"): "hormon age meno size nodes pgr er",
}  # fmt: skip


def groups_of(frame: pd.DataFrame, column: str) -> dict[str, pd.Series]:
    """Which rows are in each group, by the group's name in the reference."""
    if column == "1":
        return {"all": pd.Series(True, index=frame.index)}
    return {f"{column}={level}": frame[column].map(plain) == level for level in order(column, frame[column])}


def kaplan_meier(dataset: str, analysis: str) -> dict[Key, float]:
    parts = analysis.split("|")
    outcome, _, column = parts[0].partition("~")
    column = column.partition("(")[0] or "1"
    frame, options = load(dataset), dict(part.partition("=")[::2] for part in parts[1:])
    found: dict[Key, float] = {}
    for term, rows in groups_of(frame, column).items():
        time, event = (
            frame.loc[rows, f"{outcome}_time"].to_numpy(),
            frame.loc[rows, f"{outcome}_event"].to_numpy(dtype=bool),
        )
        reverse = "reverseKM" in parts
        table = survival.product_limit(time, ~event if reverse else event)
        times, s = table["time"].to_numpy(), table["survival"].to_numpy()
        values: dict[str, float] = {}
        interval = INTERVALS.get(options.get("conf", "log"), "")
        if reverse:
            term = term.replace(column, "g", 1) if column != "1" else term
            low, high = survival.limits(s, table["greenwood"].to_numpy(), "log", 0.95)
            ends = ("median_followup", s), ("lcl_log", low), ("ucl_log", high)
            values = {name: survival.quantile(times, curve) for name, curve in ends}
        elif "rmst" in options:
            values = dict(zip(("rmst", "se_rmst"), survival.restricted_mean(table, float(options["tau"])), strict=True))
        elif "t" in options and interval:
            at = survival.rate_at(table, float(options["t"]), interval, 0.95)
            before = table[table["time"] <= float(options["t"])]
            error = np.sqrt(before["greenwood"].iloc[-1]) * at["rate"] if at["rate"] > 0 else np.nan
            values = {
                "surv": at["rate"],
                "lcl": at["rate_low"],
                "ucl": at["rate_high"],
                "n_risk": at["n_risk"],
                "se_greenwood": error,
            }
        elif interval:
            low, high = survival.limits(s, table["greenwood"].to_numpy(), interval, 0.95)
            values = {"n": len(time), "events": event.sum()}
            for name, share in (("median", 0.5), ("q25", 0.75), ("q75", 0.25)):
                for suffix, curve in (("", s), ("_lcl", low), ("_ucl", high)):
                    values[name + suffix] = survival.quantile(times, curve, share)
        found |= {(dataset, analysis, term, statistic): value for statistic, value in values.items()}
    return found


def log_rank(dataset: str, analysis: str) -> dict[Key, float]:
    outcome, _, rest = analysis.removesuffix("|logrank").partition("~")
    column, _, stratum = rest.removesuffix("(naive)").partition("+strata(")
    frame = load(dataset)
    strata = frame[stratum.rstrip(")")].astype("category").cat.codes.to_numpy() if stratum else None
    time, event = frame[f"{outcome}_time"].to_numpy(), frame[f"{outcome}_event"].to_numpy()
    test = survival.log_rank_test(time, event, frame[column].map(plain).to_numpy(), strata)
    found = {
        (dataset, analysis, "global", name): test[key]
        for name, key in (("chisq", "chi_square"), ("df", "df"), ("p", "p"))
    }
    for group, observed, expected in zip(test["groups"], test["observed"], test["expected"], strict=True):
        found[dataset, analysis, f"{column}={group}", "observed"] = observed
        found[dataset, analysis, f"{column}={group}", "expected"] = expected
    return found


def bare(name: str) -> str:
    return name.removeprefix("factor(").removesuffix(")")


@cache
def cox_frames(folder: Path, dataset: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The univariable and multivariable models of a data set, computed by the project from a study file."""
    frame, arm = load(dataset), ARMS[dataset]
    names = {name for (each, _), text in MODELS.items() if each == dataset for name in text.split()}
    alone = {
        re.search(r"uni:([^|]+)", key[1])[1] for key in reference("cox.csv") if key[0] == dataset and "uni:" in key[1]
    }
    variables = {}
    for name in sorted(
        names | alone | ({"celltype"} if dataset == "veteran" else {"factor(grade)"} if dataset == "gbsg" else set())
    ):
        if bare(name) != arm:
            column = frame[bare(name)]
            variables[bare(name)] = (
                categorical(*order(bare(name), column))
                if name in FACTORS and not (dataset == "gbsg" and name == "size")
                else continuous()
            )
    outcomes = [column.removesuffix("_time") for column in frame if column.endswith("_time")]
    models = {}
    for (each, name), text in MODELS.items():
        if each == dataset:
            strata = re.findall(r"strata\((.*)\)", name)
            models[re.sub(r"\W", "_", name)] = {
                "label": name,
                "endpoints": outcomes,
                "covariates": [bare(n) for n in text.split()],
                "strata": strata,
            }
    used = {bare(name): name for name in variables}
    columns = [arm, *used, *(f"{outcome}_{what}" for outcome in outcomes for what in ("time", "event"))]
    study = {
        "arms": arms(arm, *order(arm, frame[arm])),
        "variables": variables,
        "endpoints": {outcome: endpoint(f"{outcome}_time", f"{outcome}_event", "days") for outcome in outcomes},
        "models": models,
    }
    if alone:
        study["univariable"] = [{"endpoints": outcomes[:1], "variables": [bare(name) for name in sorted(alone)]}]
    cohort = cohort_of(folder / dataset, frame[list(dict.fromkeys(columns))], **study)
    return cox.univariable(cohort), cox.multivariable(cohort)


def r_term(dataset: str, row: pd.Series) -> str:
    """The name R gives to an effect."""
    variable, level = row["variable"], row["level"]
    if not level or (variable == ARMS[dataset] and level in {"1", "2"}):
        return variable
    factor = f"factor({variable})"
    return (factor if factor in FACTORS else variable) + level


def effects(dataset: str, analysis: str, frame: pd.DataFrame) -> dict[Key, float]:
    names = {"coef": "log_hr", "se": "log_hr_se", "hr": "hr", "hr_lcl": "hr_low", "hr_ucl": "hr_high", "p": "p_wald"}
    found: dict[Key, float] = {}
    for _, row in frame[frame["hr"].notna()].iterrows():
        term = r_term(dataset, row)
        found |= {(dataset, analysis, term, name): row[column] for name, column in names.items()}
        found[dataset, analysis, term, "z"] = row["log_hr"] / row["log_hr_se"]
    return found


def model_rows(dataset: str, analysis: str, whole: pd.Series, covariates: list[str], stratum: str) -> dict[Key, float]:
    """What R reports of a whole model, from the project's row and the fit under it."""
    frame, outcome = load(dataset), analysis.partition("|")[0]
    known = frame.dropna(subset=[bare(name) for name in covariates])
    pieces = {}
    for name in covariates:
        column = known[bare(name)]
        numeric = name not in FACTORS and pd.api.types.is_numeric_dtype(column)
        if numeric or (dataset == "gbsg" and name == "size"):
            pieces[name] = column.astype(float)
        else:
            pieces |= {
                f"{name}{level}": (column.map(plain) == level).astype(float) for level in order(bare(name), column)[1:]
            }
    x = pd.DataFrame(pieces)
    time, event = known[f"{outcome}_time"].to_numpy(), known[f"{outcome}_event"].to_numpy()
    strata = known[stratum].astype("category").cat.codes.to_numpy() if stratum else None
    full, null = cox.fit(x, time, event, strata), cox.fit(x[[]], time, event, strata)
    chi_square, p = cox.wald(full, list(x.columns))
    values = {
        "n": whole["n"],
        "nevent": whole["n_event"],
        "loglik": whole["log_likelihood"],
        "loglik_null": null.log_likelihood,
        "lrt_chisq": 2 * (full.log_likelihood - null.log_likelihood),
        "lrt_p": whole["p_lrt"],
        "wald_chisq_unrounded": chi_square,
        "wald_p": p,
    }
    found = {(dataset, analysis, "model", name): value for name, value in values.items()}
    for name in covariates if analysis.split("|")[1] == "multi" else ():
        kept = x[[column for column in x if not column.startswith(name)]]
        fewer = cox.fit(kept, time, event, strata)
        dropped = f"{outcome}|multi|term_LRT(drop1)"
        found[dataset, dropped, name, "chisq"] = 2 * (full.log_likelihood - fewer.log_likelihood)
        found[dataset, dropped, name, "df"] = x.shape[1] - kept.shape[1]
    return found


def cox_model(folder: Path, dataset: str, analysis: str) -> dict[Key, float]:
    outcome, name, *_ = analysis.split("|")
    univariable, multivariable = cox_frames(folder, dataset)
    if name.startswith("uni:"):
        covariates, stratum = [name.removeprefix("uni:")], ""
        frame = select(univariable, endpoint=outcome, variable=bare(covariates[0]))
        whole = frame.iloc[0]
    else:
        covariates, stratum = MODELS[dataset, name].split(), "".join(re.findall(r"strata\((.*)\)", name))
        frame = select(multivariable, endpoint=outcome, model=re.sub(r"\W", "_", name))
        whole = select(frame, variable="").iloc[0]
    found = effects(dataset, analysis, frame) | model_rows(dataset, analysis, whole, covariates, stratum)
    if name == "multi":
        for covariate in covariates:
            p = select(frame, variable=bare(covariate), level="")["p_lrt"].iloc[0]
            found[dataset, f"{outcome}|multi|term_LRT(drop1)", covariate, "p"] = p
    return found


def described_by_arm(folder: Path, dataset: str, analysis: str) -> dict[Key, float]:
    """Table 1 of a data set: each arm's description, and every test the project has."""
    column = analysis.removeprefix("by ")
    frame, keys = load(dataset), [key for key in reference("tests.csv") if key[0] == dataset]
    factors = {key[2].partition("=")[0] for key in keys if "=" in key[2].partition("|")[0]}
    numbers = {key[2].partition("|")[0] for key in keys if key[3] == "mean"}
    levels = order(column, frame[column])
    found: dict[Key, float] = {}
    for name in factors | numbers:
        missing = frame.loc[frame[column].notna(), name].isna().sum()
        found[dataset, analysis, name, "n_missing"] = missing
    for second in levels[1:]:
        pair = frame[frame[column].map(plain).isin([levels[0], second])]
        for kind, names in (("factor", factors), ("number", numbers)):
            variables = {
                f"v{i}": {
                    **(categorical(*order(name, frame[name])) if kind == "factor" else continuous()),
                    "column": name,
                }
                for i, name in enumerate(sorted(names))
            }
            if variables:
                found |= _two_arms(
                    folder / f"{dataset}-{kind}-{levels.index(second)}",
                    pair,
                    column,
                    (levels[0], second),
                    variables,
                    (dataset, analysis),
                )
    for name in factors:
        table = pd.crosstab(frame[column].map(plain), frame[name].map(plain).where(frame[name].notna())).to_numpy()
        found |= {(dataset, analysis, name, statistic): value for statistic, value in _table_tests(table).items()}
    for name in numbers if len(levels) == 2 else ():
        x, y = (frame.loc[frame[column].map(plain) == level, name].dropna().to_numpy() for level in levels)
        for test, prefix in (("student", "student"), ("welch", "welch")):
            result = describe.continuous_test(x, y, test)
            found[dataset, analysis, name, f"{prefix}_t"] = result["test_statistic"]
            found[dataset, analysis, name, f"{prefix}_p"] = result["p_test"]
            if test == "welch":
                found[dataset, analysis, name, "welch_df"] = result["df"]
        ranks = describe.continuous_test(x, y, "rank_sum")
        found[dataset, analysis, name, "wilcox_W"] = ranks["test_statistic"]
        found[dataset, analysis, name, "wilcox_p_correct"] = ranks["p_test"]
    return found


def _two_arms(
    folder: Path, pair: pd.DataFrame, column: str, levels: tuple, variables: dict, key: tuple
) -> dict[Key, float]:
    """Counts and summaries of two arms, through a study file."""
    table = pair.assign(time_=1.0, event_=1)
    study = {"arms": arms(column, *levels), "endpoints": {"OS": endpoint("time_", "event_")}}
    used = list(dict.fromkeys([column, "time_", "event_", *(each["column"] for each in variables.values())]))
    cohort = cohort_of(folder, table[used], **study, variables=variables)
    names = {"n": "n", "mean": "mean", "sd": "sd", "median": "median", "q1_type7": "q1", "q3_type7": "q3"}
    found: dict[Key, float] = {}
    for _, row in select(describe.summaries(cohort), group=list(levels)).iterrows():
        term = f"{variables[row['variable']]['column']}|{column}={row['group']}"
        found |= {(*key, term, name): row[statistic] for name, statistic in names.items()}
    counts = describe.counts(cohort)
    for _, row in counts[(counts["level"] != "") & (counts["group"] != "overall")].iterrows():
        term = f"{variables[row['variable']]['column']}={row['level']}|{column}={row['group']}"
        found |= {(*key, term, "n"): row["n"], (*key, term, "pct_of_nonmissing"): row["percent"]}
    return found


def _table_tests(table: np.ndarray) -> dict[str, float]:
    rule = RowTests(two_by_two="pearson", larger="pearson", small_expected="none", continuous="welch")
    pearson = describe.categorical_test(table, rule, "pearson")
    found = {
        "chisq_nocorrect": pearson["test_statistic"],
        "chisq_df": pearson["df"],
        "chisq_p_nocorrect": pearson["p_test"],
    }
    if table.shape == (2, 2):
        yates = describe.categorical_test(table, rule, "yates")
        found |= {"chisq_yates": yates["test_statistic"], "chisq_p_yates": yates["p_test"]}
    narrow = table if len(table) == 2 else table.T
    if len(narrow) == 2 and narrow.shape[1] < 10:
        found["fisher_p"] = describe.fisher_exact(narrow)
    return found


def proportional(dataset: str, analysis: str) -> dict[Key, float]:
    """The tests of proportional hazards of a Cox model, factors as indicators in R's order."""
    outcome, formula, transform = analysis.split("|")
    named = formula.split("+")
    strata = [bare(re.sub(r"strata\((.*)\)", r"\1", name)) for name in named if name.startswith("strata")]
    named = [name for name in named if not name.startswith("strata")]
    frame = load(dataset).dropna(subset=[*map(bare, named), *strata])
    columns, terms = {}, {}
    for name in named:
        values, first = frame[bare(name)], len(columns)
        if name.startswith("factor") or values.dtype == object:
            columns |= {(name, each): (values.map(plain) == each) * 1.0 for each in order(bare(name), values)[1:]}
        else:
            columns[name, ""] = values.astype(float)
        terms[name] = list(range(first, len(columns)))
    x = pd.DataFrame(columns, index=frame.index)
    x.columns = list(columns)
    time, event = (frame[f"{outcome}_{what}"].to_numpy(dtype=float) for what in ("time", "event"))
    stratum = frame[strata[0]].to_numpy() if strata else None
    given = {"terms": terms, "strata": stratum, "transform": transform.removeprefix("zph=")}
    found = cox.score_tests(x, time, event, cox.fit(x, time, event, stratum).log_hr.to_numpy(), **given)
    return {
        (dataset, analysis, term or "GLOBAL", statistic): value
        for term, values in found.items()
        for statistic, value in zip(("chisq", "df", "p"), values, strict=True)
    }


def counting(dataset: str, analysis: str) -> dict[Key, float]:
    """A Cox model on intervals, with weights, clusters and strata, straight from the kernel."""
    terms, *given = analysis.split("|")
    options = dict(each.split("=") for each in given)
    frame = load(dataset)
    strata = re.findall(r"strata\((\w+)\)", terms)
    names = [term for term in terms.split("+") if "(" not in term]
    columns = {"start": "start", "stop": "stop", "event": "event"} if dataset == "heart" else {}
    data = {
        "start": frame[columns["start"]].to_numpy() if columns else None,
        "strata": frame[strata[0]].to_numpy() if strata else None,
        "weights": frame["w"].to_numpy() if options["weighted"] == "TRUE" else None,
        "ties": options["ties"],
    }
    time = frame[columns.get("stop", "time")].to_numpy(dtype=float)
    event = frame[columns.get("event", "status")].to_numpy()
    x = frame[names].astype(float)
    fitted = cox.fit(x, time, event, clusters=frame[options["cluster"]].to_numpy(), **data)
    null = cox.fit(x[[]], time, event, **data)
    key = dataset, analysis
    found = {(*key, "model", "loglik"): fitted.log_likelihood, (*key, "model", "loglik_null"): null.log_likelihood}
    sets = likelihood.risk_sets(time, event, **data)
    values = x.to_numpy()
    score = likelihood.at(sets, values[sets.row], fitted.log_hr.to_numpy()).score_residuals(len(values))
    for position, name in enumerate(names):
        found |= {
            (*key, name, "coef"): fitted.log_hr[name],
            (*key, name, "se"): np.sqrt(fitted.covariance.loc[name, name]),
            (*key, name, "robust_se"): np.sqrt(fitted.robust.loc[name, name]),
            (*key, name, "score_squares"): (score[:, position] ** 2).sum(),
        }
    return found


def test_kaplan_meier(record_property):
    computed = {}
    for dataset, analysis in analyses("km.csv"):
        computed |= kaplan_meier(dataset, analysis)
    compare("km.csv", computed, record_property)


def test_log_rank(record_property):
    computed = {}
    for dataset, analysis in analyses("logrank.csv"):
        computed |= log_rank(dataset, analysis)
    compare("logrank.csv", computed, record_property)


@pytest.mark.slow
def test_cox(tmp_path_factory, record_property):
    folder, computed = tmp_path_factory.mktemp("cox"), {}
    for dataset, analysis in analyses("cox.csv"):
        if "term_LRT" not in analysis:
            computed |= cox_model(folder, dataset, analysis)
    compare("cox.csv", computed, record_property)


def test_proportional_hazards(gbsg2, record_property):
    computed = {}
    for dataset, analysis in analyses("zph.csv"):
        if analysis.endswith("|scaledsch"):
            residuals = select(cox.scaled_residuals(gbsg2), model="adjusted")["log_hr"]
            sums = {"n": len(residuals), "sum": residuals.sum(), "sum_squares": (residuals**2).sum()}
            computed |= {(dataset, analysis, "hormon", name): value for name, value in sums.items()}
        else:
            computed |= proportional(dataset, analysis)
    compare("zph.csv", computed, record_property)


def test_counting(record_property):
    computed = {}
    for dataset, analysis in analyses("counting.csv"):
        computed |= counting(dataset, analysis)
    compare("counting.csv", computed, record_property)


@pytest.mark.slow
def test_tests(tmp_path_factory, record_property):
    folder, computed = tmp_path_factory.mktemp("tests"), {}
    for dataset, analysis in analyses("tests.csv"):
        computed |= described_by_arm(folder, dataset, analysis)
    compare("tests.csv", computed, record_property)


def test_the_whole_way_from_the_study_file_to_the_ledger(gbsg2):
    """The shipped study through its own study file, against R on the same women."""
    r = reference("km.csv") | reference("logrank.csv") | reference("cox.csv")
    arm = {"no": "hormon=0", "yes": "hormon=1"}
    checked = Counter()

    def equal(value, analysis, term, statistic, scale=1.0):
        expected = r["gbsg", analysis, term, statistic]
        assert np.isnan(value) == np.isnan(expected)
        assert np.isnan(value) or value * scale == pytest.approx(expected, rel=1e-8, abs=1e-11)
        checked[analysis.partition("|")[2]] += 1

    names = {"median": "median", "median_low": "median_lcl", "median_high": "median_ucl"}
    for _, row in select(survival.medians(gbsg2), group=["no", "yes"]).iterrows():
        analysis = f"RFS~hormon|conf={row['model'].replace('_', '-')}"
        for ours, theirs in names.items():
            equal(row[ours], analysis, arm[row["group"]], theirs, 30.4375)
    for _, row in select(survival.follow_up(gbsg2), group=["no", "yes"], model="log").iterrows():
        term = arm[row["group"]].replace("hormon", "g")
        equal(row["median"], "RFS~hormon|reverseKM", term, "median_followup", 30.4375)
        equal(row["median_high"], "RFS~hormon|reverseKM", term, "ucl_log", 30.4375)
    for _, row in select(survival.rates(gbsg2), group=["no", "yes"], at=["12", "36", "60"]).iterrows():
        analysis = f"RFS~hormon|conf={row['model'].replace('_', '-')}|t={float(row['at']) * 30.4375:g}"
        for ours, theirs in (("rate", "surv"), ("rate_low", "lcl"), ("rate_high", "ucl")):
            equal(row[ours], analysis, arm[row["group"]], theirs, 0.01)
    for _, row in select(survival.restricted_means(gbsg2), group=["no", "yes"]).iterrows():
        equal(row["rmst"], "RFS~hormon|rmst|tau=1826", arm[row["group"]], "rmst", 30.4375)
        equal(row["rmst_se"], "RFS~hormon|rmst|tau=1826", arm[row["group"]], "se_rmst", 30.4375)
    for _, row in select(survival.at_risk(gbsg2), group=["no", "yes"], at=["12", "36", "60"]).iterrows():
        day = math.floor(float(row["at"]) * 30.4375)
        equal(row["n_risk"], f"RFS~hormon|conf=log|t={day}", arm[row["group"]], "n_risk")
    equal(select(survival.log_rank(gbsg2), group="")["p_log_rank"].iloc[0], "RFS~hormon|logrank", "global", "p")
    adjusted = select(cox.multivariable(gbsg2), model="adjusted")
    terms = {
        "horTh": "hormon",
        "menostat": "meno",
        "tsize": "size",
        "pnodes": "nodes",
        "progrec": "pgr",
        "estrec": "er",
    }
    for _, row in adjusted[adjusted["log_hr"].notna()].iterrows():
        grade = {"II": "factor(grade)2", "III": "factor(grade)3"}.get(row["level"])
        term = grade or terms.get(row["variable"], row["variable"])
        per = 1 if row["level"] else gbsg2.study.variables[row["variable"]].per
        equal(row["log_hr"], "RFS|multi|ties=efron", term, "coef", 1 / per)
        equal(row["p_wald"], "RFS|multi|ties=efron", term, "p")
    assert sum(checked.values()) == 12 + 4 + 36 + 4 + 6 + 1 + 18


def test_who_is_followed_to_the_last_whole_day_of_a_horizon_is_followed_to_it(tmp_path):
    frame, arm = load("gbsg[to day 1826]"), {"0": "hormon=0", "1": "hormon=1"}
    r = {key[1:]: value for key, value in reference("km.csv").items() if key[0] == "gbsg[to day 1826]"}
    cohort = cohort_of(
        tmp_path / "ended",
        frame[["RFS_time", "RFS_event", "hormon", "age"]],
        arms=arms("hormon", 0, 1),
        variables={"age": continuous()},
        endpoints={"RFS": endpoint("RFS_time", "RFS_event", "days")},
        survival={"months": [12, 60], "risk_table_months": [0, 60], "tau": {"RFS": 60}},
    )
    names = {"rate": "surv", "rate_low": "lcl", "rate_high": "ucl"}
    rates = select(survival.rates(cohort), group=list(arm))
    assert len(rates) == 8
    for _, row in rates.iterrows():
        analysis = f"RFS~hormon|conf={row['model'].replace('_', '-')}|t={365 if row['at'] == '12' else 1826}"
        for ours, theirs in names.items():
            assert row[ours] / 100 == pytest.approx(r[analysis, arm[row["group"]], theirs], rel=1e-9)
    for _, row in select(survival.restricted_means(cohort), group=list(arm)).iterrows():
        for ours, theirs in {"rmst": "rmst", "rmst_se": "se_rmst"}.items():
            expected = r["RFS~hormon|rmst|tau=1826", arm[row["group"]], theirs]
            assert row[ours] * 30.4375 == pytest.approx(expected, rel=1e-9)
    for _, row in select(survival.at_risk(cohort), group=list(arm), at="60").iterrows():
        assert row["n_risk"] == r["RFS~hormon|conf=log|t=1826", arm[row["group"]], "n_risk"] > 0


def test_every_reason_is_needed_and_said():
    with (REFERENCE / "left_out.csv").open(newline="") as file:
        reasons = [row["reason"] for row in csv.DictReader(file)]
    assert all(reason.startswith(("the project", "R carries")) for reason in reasons)
