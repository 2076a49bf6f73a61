"""No row and no stored drawing holds a label: names there, labels when printed."""

import json

import pytest
from pandas.testing import assert_frame_equal
from pydantic import TypeAdapter

from helpers.cohort import read_cohort
from helpers.estimates import Estimates, Source, frames_of
from helpers.sections import SECTIONS, left_out
from helpers.study import Study, read_study


def relabelled(study):
    """The study with other words wherever it holds some that are only printed."""
    told = json.loads(study.model_dump_json(exclude={"folder"}, context={"printed": lambda text: f"{text}ß"}))
    told["cohort"]["data_cut_off"] = study.cohort.data_cut_off
    return TypeAdapter(Study).validate_python({**told, "folder": study.folder})


@pytest.mark.parametrize("folder", ["data/gbsg2", "tests/studies/stent"])
@pytest.mark.slow
def test_estimates_are_the_same_under_other_labels(folder):
    study = read_study(folder)
    other = relabelled(study)
    assert other.title == f"{study.title}ß"
    assert other.decisions() == study.decisions()
    sources = Source(study), Source(other, read_cohort(other))
    for section in [each for each in SECTIONS if each.name not in left_out(study)]:
        one, two = (Estimates(section.name, source.study, source) for source in sources)
        for name in (*section.rows, *section.drawings):
            for frame, same in zip(frames_of(getattr(one, name)), frames_of(getattr(two, name)), strict=True):
                assert_frame_equal(frame, same, check_exact=True)


def test_a_decision_is_no_label(study_copy):
    study = read_study(study_copy())
    assert read_study(study_copy({"seed = ": "seed = 1"})).decisions() != study.decisions()
    assert json.loads(study.decisions())["arms"]["levels"] == dict.fromkeys(study.arms.levels, "")
