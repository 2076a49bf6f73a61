"""What is kept between runs: the same to the last digit, for the owner alone, absent where it is not whole."""

import json
import os
import py_compile
import stat
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from helpers import sources
from helpers.cohort import read_cohort
from helpers.estimates import Estimates, Source, awaited, frames_of
from helpers.frames import decoded, encoded
from helpers.sections import SECTIONS, left_out
from helpers.sensitivity import fixed
from helpers.store import PLACE, Store, key_of
from helpers.study import read_study


@pytest.fixture
def own(tmp_path, monkeypatch) -> Path:
    """A store of this test's own, empty."""
    monkeypatch.setenv(PLACE, str(tmp_path / "store"))
    return tmp_path / "store"


@pytest.mark.slow
def test_every_estimate_comes_back_as_it_was(stent):
    cohort, source = stent, Source(stent.study, stent)
    for section in [each for each in SECTIONS if each.name not in left_out(cohort.study)]:
        for estimate in (*section.rows, *section.drawings):
            made = source.value(estimate, {})
            for one, other in zip(frames_of(made), frames_of(decoded(encoded(made))), strict=True):
                assert_frame_equal(one, other, check_exact=True)
                assert one.attrs == other.attrs
                for column in one.select_dtypes("object"):
                    assert list(map(type, one[column])) == list(map(type, other[column]))


def test_what_cannot_be_kept_is_refused_and_what_was_not_kept_is_no_estimate():
    with pytest.raises(TypeError, match="a plain index"):
        encoded(pd.DataFrame({"a": [1]}, index=[5]))
    with pytest.raises(TypeError, match="not list"):
        encoded([1])
    for content in (b"[]", b"{}", b'{"frame": [["a"]], "rows": 1}', b"not json"):
        with pytest.raises(ValueError, match="no estimate"):
            decoded(content)
    frame = pd.DataFrame({"x": [0.1 + 0.2, np.nan, 1e-300], "c": pd.Categorical(["b", None, "a"], ["b", "a"])})
    assert_frame_equal(decoded(encoded(frame)), frame, check_exact=True)


def test_entries_are_the_owners_alone_and_whole_or_absent(tmp_path):
    store = Store(tmp_path / "deep" / "store")
    store.write("key", b"content")
    assert store.read("key") == b"content"
    assert stat.S_IMODE(store.folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((store.folder / "key").stat().st_mode) == 0o600
    assert [path.name for path in store.folder.iterdir()] == ["key"]
    whole = (store.folder / "key").read_bytes()
    for content in (b"", whole[:-1], whole.replace(b"content", b"contant"), whole[64:]):
        (store.folder / "key").write_bytes(content)
        assert store.read("key") is None
    (store.folder / "folder").mkdir()
    assert store.read("folder") is None
    store.write("folder", b"cannot be put there")
    assert sorted(path.name for path in store.folder.iterdir()) == ["folder", "key"]


def test_a_store_that_cannot_be_made_holds_nothing(tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "mine").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "mine")
    for place in (tmp_path / "file" / "store", tmp_path / "link"):
        store = Store(place)
        store.write("key", b"content")
        with store.alone("key"):
            assert store.read("key") is None
        store.prune()
    assert list((tmp_path / "mine").iterdir()) == []


def test_what_was_used_longest_ago_goes_first_and_a_killed_runs_leavings_with_it(tmp_path, monkeypatch):
    monkeypatch.setattr("helpers.store.LARGEST", 200)
    store = Store(tmp_path / "store")
    for age, name in enumerate(("new", "older", "oldest")):
        store.write(name, b"x" * 30)
        os.utime(store.folder / name, (1e9 - age, 1e9 - age))
    (store.folder / ".fresh-x").mkdir()
    (store.folder / ".part").write_text("half")
    for name in (".fresh-x", ".part"):
        os.utime(store.folder / name, (9e8, 9e8))
    store.read("older")
    store.prune()
    assert sorted(path.name for path in store.folder.iterdir()) == ["new", "older"]


def test_nothing_kept_is_computed_again_and_a_corrupt_entry_is(own, monkeypatch):
    study = read_study("data/gbsg2")
    assert len(awaited(study, {})) > 20
    first = Estimates("03_survival", study)
    rows = first.rows()
    assert set(awaited(study, {})) == {*_named(study)} - {*first.section.rows}
    monkeypatch.setattr(Source, "_computed", lambda *_: pytest.fail("computed again"))
    assert_frame_equal(Estimates("03_survival", study).rows(), rows, check_exact=True)
    again = Estimates("03_survival", study)
    assert "cohort" not in vars(again.source), "the patients are not even read"
    assert_frame_equal(again.medians, first.medians)
    monkeypatch.undo()
    monkeypatch.setenv(PLACE, str(own))
    path = own / again.source.key("medians", {})
    text = path.read_text()
    digit = next(each for each in text.split('"median", "float64", [')[1] if each.isdigit())
    path.write_text(text.replace(f'"median", "float64", [{digit}', f'"median", "float64", [{(int(digit) + 1) % 10}'))
    assert path.read_text() != text
    assert awaited(study, {}).count("medians") == 1
    assert_frame_equal(Estimates("03_survival", study).medians, first.medians, check_exact=True)
    assert path.read_text() == text, "made anew"


def _named(study):
    return [name for each in SECTIONS if each.name not in left_out(study) for name in (*each.rows, *each.drawings)]


def test_the_key_follows_decisions_patients_parameters_and_code_and_no_label(own, study_copy, monkeypatch):
    def key(folder, name="medians", **given):
        return Source(read_study(folder)).key(name, given)

    before = key(study_copy())
    assert key(study_copy()) == before
    assert key(study_copy({'label = "': 'label = "Other '})) == before, "a label is printed"
    assert key(study_copy({"seed = ": "seed = 7"})) != before
    folder = study_copy()
    (folder / "cohort.csv").write_text((folder / "cohort.csv").read_text() + "\n")
    assert key(folder) != before
    folder = study_copy()
    (folder / "published.csv").write_text("no estimate reads it")
    assert key(study_copy()) == before
    assert key(folder, population="primary") == before, "what is left to the function is what it takes"
    assert key(folder, population="late") != before
    assert key(folder, interval="log") == before, "a parameter of another estimate"
    monkeypatch.setattr(sources, "checksum", lambda room: f"other {room}")
    assert key(folder) != before


def test_a_change_of_a_step_is_a_change_of_what_is_made_from_it(own, study_copy, monkeypatch):
    source = Source(read_study(study_copy()))
    assert source.key("splines", {"knots": 3}) != source.key("splines", {"knots": 4})
    assert source.key("splines", {"draws": 3}) != source.key("splines", {"draws": 4})
    assert source.key("spline_curves", {"draws": 3}) == source.key("spline_curves", {"draws": 4})
    before = {name: source.key(name, {}) for name in ("companions", "medians")}
    kept = sources.checksum
    monkeypatch.setattr(sources, "checksum", lambda room: "new" if room == "helpers.cox" else kept(room))
    assert source.key("companions", {}) != before["companions"]
    assert source.key("medians", {}) == before["medians"]


def test_what_changes_while_it_is_computed_is_not_kept(own, study_copy, monkeypatch):
    folder = study_copy()
    source = Source(read_study(folder))
    (folder / "cohort.csv").write_text((folder / "cohort.csv").read_text() + "\n")
    source.value("medians", {})
    assert [path for path in own.iterdir() if not path.name.startswith(".")] == []
    source = Source(read_study(folder))
    monkeypatch.setattr(sources, "STARTED", 0)
    source.value("medians", {})
    assert [path for path in own.iterdir() if not path.name.startswith(".")] == [], "code newer than the process"
    monkeypatch.undo()


def test_patients_given_by_hand_are_neither_kept_nor_taken_for_the_files(own, stent):
    Estimates("03_survival", stent.study, Source(stent.study, stent)).rows()
    assert not own.exists()


def test_files_of_a_room_are_those_it_imports():
    names = {path.relative_to(sources.PACKAGE).as_posix() for path in sources.files("helpers.survival")}
    assert {"survival/estimators.py", "ledger/vocabulary.py", "cohort/table.py", "study/schema.py"} <= names
    assert not any(name.startswith(("tables", "figures", "wording", "report", "cox")) for name in names)
    assert set(sources.files("helpers.cox")) <= set(sources.files("helpers.sensitivity"))
    assert len(sources.checksum("helpers.survival")) == 64


@pytest.mark.slow
def test_no_entry_holds_an_identifier_or_a_label(own, study_copy):
    folder = study_copy()
    study = read_study(folder)
    source = Source(study)
    for name in _named(study):
        source.value(name, {})
    kept = "".join(path.read_text() for path in own.iterdir() if not path.name.startswith("."))
    patients = pd.read_csv(folder / "cohort.csv", dtype=str)["record"]
    assert len(patients) > 50
    assert not [each for each in patients if f'"{each}"' in kept]
    labels = json.loads(study.model_dump_json(exclude={"folder"}, context={"printed": lambda text: f"§{text}"}))
    del labels["abbreviations"]
    told = {each[1:] for each in _texts(labels) if each.startswith("§") and " " in each}
    assert len(told) > 20
    assert not [each for each in told if each in kept]


def _texts(value):
    if isinstance(value, dict):
        return [each for own in value.values() for each in _texts(own)]
    if isinstance(value, list):
        return [each for own in value for each in _texts(own)]
    return [value] if isinstance(value, str) else []


def test_a_key_tells_apart_what_it_is_made_of():
    keys = {key_of("a", "b"), key_of("ab"), key_of(b"ab"), key_of(["a", "b"]), key_of("b", "a")}
    assert len(keys) == 5


def test_two_tables_of_one_name_are_told_apart(own, study_copy):
    folder = study_copy(
        {'source = "cohort.csv"': 'source = "a/data.csv"', 'source = "toxicity.csv"': 'source = "b/data.csv"'}
    )
    for place, name in (("a", "cohort.csv"), ("b", "toxicity.csv")):
        (folder / place).mkdir()
        (folder / name).rename(folder / place / "data.csv")
    before = Source(read_study(folder)).key("summaries", {})
    assert list(read_study(folder).checksums()) == [
        "study.toml",
        "data.csv (cohort)",
        "data.csv (events)",
        "published.csv",
    ]
    (folder / "a" / "data.csv").write_text((folder / "a" / "data.csv").read_text() + "\n")
    assert Source(read_study(folder)).key("summaries", {}) != before


def test_a_key_does_not_depend_on_where_one_stands(own, study_copy, monkeypatch):
    study = read_study(study_copy())
    before = Source(study).key("medians", {})
    monkeypatch.chdir(study.folder.parent)
    assert Source(read_study("stent")).key("medians", {}) == before


def test_bytecode_older_than_a_change_that_hides_its_time_is_seen(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "STARTED", time.time_ns() + 10**12)
    path = tmp_path / "code.py"
    path.write_text("x = 1\n")
    compiled = Path(py_compile.compile(str(path)))
    os.utime(compiled, (path.stat().st_ctime + 1, path.stat().st_ctime + 1))
    assert sources.loaded((path,))
    was = path.stat()
    os.utime(compiled, (was.st_mtime - 10, was.st_mtime - 10))
    path.write_text("x = 2\n")
    os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns))
    assert not sources.loaded((path,)), "the bytecode passes for the source and is not"
    path.write_text("x = 22\n")
    os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns))
    assert sources.loaded((path,)), "another length: Python compiles it anew"


def test_a_model_is_taken_over_once(own, study_copy):
    """A population conditioned on what happened later, named: its rows stand in three frames."""
    text = '\n[[univariable]]\nendpoints = ["OS"]\npopulation = "alive_at_12"\nvariables = ["stage"]\n'
    study = read_study(study_copy(append=""))
    folder = study.folder / "study.toml"
    content = folder.read_text()
    place = content.index("[[univariable]]")
    folder.write_text(content[:place] + text.lstrip() + "\n" + content[place:])
    found = Estimates("06_sensitivity", read_study(study.folder), population="alive_at_12").fixed
    assert len(found)
    assert not found.duplicated(
        ["population", "endpoint", "analysis", "model", "variable", "level", "group", "at"]
    ).any()
    cohort = read_cohort(read_study(study.folder))
    assert_frame_equal(found, fixed(cohort, "alive_at_12"), check_exact=True)
