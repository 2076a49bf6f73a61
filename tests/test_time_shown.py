"""What the report shows of time: one panel, its table and sentences, and every denominator held against the flow."""

import numpy as np
import pytest
from public import stanford

from helpers import cox, figures, matching, sensitivity, tables, wording
from helpers.errors import ParameterError
from helpers.ledger import melt, select
from helpers.tables.denominators import UNEXPLAINED


@pytest.fixture(scope="module")
def heart(tmp_path_factory):
    """The Stanford programme with every analysis of time."""
    cohort = stanford(tmp_path_factory.mktemp("stanford") / "study")
    frames = [
        sensitivity.fixed(cohort),
        sensitivity.landmarks(cohort),
        sensitivity.time_dependent(cohort),
        sensitivity.clone_censor_weight(cohort, draws=0),
    ]
    values = sensitivity.e_values(cohort.study, frames)
    return cohort, frames, values, sensitivity.effects(frames, e_values=values, study=cohort.study)


def test_one_panel_shows_every_way_of_counting_time(heart):
    cohort, _, _, effects = heart
    (figure,) = figures.sensitivity(effects, study=cohort.study)
    (axes,) = figure.drawing.axes
    marks = [line.get_xdata()[0] for line in axes.lines if line.get_marker() == "s" and len(line.get_xdata()) == 1]
    shown = effects[effects["model"].isin(["unadjusted", "adjusted", "weighted", "unweighted"])]
    assert sorted(marks) == pytest.approx(sorted(shown["hr"]))
    assert len(marks) == 2 * (2 + 4 + 2 + 1)
    texts = [text.get_text() for text in axes.texts]
    assert texts.count("0.27 (0.17–0.43)") == 1
    assert texts.count("1.14 (0.63–2.05)") == 1
    assert "Patients who did not die within a month of\nacceptance ‡" in texts
    with pytest.raises(ParameterError, match=r"exposure\.models in the study file names no 'adjustd'; did you mean"):
        figures.sensitivity(effects, study=cohort.study, model="adjustd")


def test_the_table_beside_the_panel(heart):
    cohort, _, _, effects = heart
    (table,) = tables.sensitivity(effects, study=cohort.study)
    rows = [row.cells for row in table.rows]
    naive = next(cells for cells in rows if cells[0] == "Analysis cohort: unadjusted (primary analysis)")
    assert naive[1:5] == ("103", "75", "0.27 (0.17–0.43)", "<0.001")
    worth = 1 / 0.266216644632
    assert naive[5] == f"{worth + np.sqrt(worth * (worth - 1)):.2f}"
    begins = next(cells for cells in rows if cells[0] == "Analysis cohort: unadjusted")
    assert begins[3:9] == ("1.14 (0.63–2.05)", "0.67", "1.53", "1.00", "1.41", "1.00")
    assert "46% to 73% have the event: the outcome is common" in " ".join(table.notes)
    assert sum(note.startswith("‡") for note in table.notes) == 1


def test_sentences_claim_nothing_that_time_takes_away(heart):
    cohort, frames, values, _ = heart
    said = wording.sensitivity(melt([*frames, values], "x"), study=cohort.study).sentences
    assert said[0].startswith(
        "“Patients who did not die within a month of acceptance” leaves patients out by what happ"
    )
    naive, timed = said[1:3]
    assert "0.27 (0.17–0.43) with the arm as if known at time zero, 1.14 (0.63–2.05) with treatment counted" in naive
    assert "time-dependent Cox 1.14 (0.63–2.05), no difference shown" in timed
    assert timed.count("no difference shown") == 6
    assert "lower hazard" not in timed


def test_clones_are_told_by_strategy(heart):
    cohort, frames, _, _ = heart
    (table,) = tables.strategies(frames[3], study=cohort.study)
    rows = {row.cells[0]: row.cells[1:] for row in table.rows}
    contrast = select(frames[3], model="weighted", variable="transplant").iloc[0]
    assert rows["Begin within 1 month (arm yes)"][0] == "103"
    assert f"hazard ratio {contrast['hr']:.2f} (" in table.notes[1]
    assert tables.strategies(frames[3].iloc[:0], study=cohort.study) == []


def test_a_study_without_a_start_has_e_values_alone(gbsg2):
    frame = sensitivity.fixed(gbsg2)
    values = sensitivity.e_values(gbsg2.study, [frame])
    effects = sensitivity.effects([frame], e_values=values, study=gbsg2.study)
    assert figures.sensitivity(effects, study=gbsg2.study) == []
    (table,) = tables.sensitivity(effects, study=gbsg2.study)
    assert table.title == "Effect of treatment on recurrence-free survival: E-values"
    assert len(table.rows) == 6
    empty = (sensitivity.landmarks, sensitivity.time_dependent, sensitivity.clone_censor_weight)
    assert all(each(gbsg2).empty for each in empty)


@pytest.mark.slow
def test_populations_of_later_survival_are_shown_apart(ctrt):
    assert ctrt.study.conditioned == ["post_ctrt", "post_ctrt_matched"]
    assert set(cox.univariable(ctrt)["population"]) == {"primary", "matched"}
    frames = sensitivity.conditioned(ctrt)
    assert set(frames["univariable"]["population"]) == {"post_ctrt", "post_ctrt_matched"}
    assert set(frames["multivariable"]["model"]) == {"paper", "timed"}
    assert matching.matched(ctrt) == ["matched"]
    assert len(ctrt.rows("post_ctrt")) == 169


@pytest.mark.parametrize("name", ["ctrt", "stent", "gbsg2"])
@pytest.mark.slow
def test_every_denominator_reconciles_with_the_flow(name, request):
    cohort = request.getfixturevalue(name)
    rows = request.getfixturevalue(f"{name}_ledger")
    table = tables.denominators(rows, study=cohort.study)
    assert UNEXPLAINED not in [row.cells[3] for row in table.rows]
    found = {row.cells[0]: row.cells[1:] for row in table.rows[::-1]}
    if name == "ctrt":
        assert found["Curves, overall survival"] == ("167", "4", "4 no usable time")
        paper = found["Cox model, overall survival: covariates of the published model"]
        lost = select(rows, analysis="cox_multivariable", model="paper", endpoint="OS", population="primary", level="")
        lost = select(lost, variable="").set_index("statistic")["value"]
        missing, absent = (int(lost[name]) for name in ("n_missing", "n_not_applicable"))
        assert paper[2] == f"4 no usable time; {missing} a value missing; {absent} a covariate cannot exist in them"
        alive = int((cohort.outcome("OS")["time"] > 6).sum())
        assert found["Landmark at month 6, overall survival: unadjusted"][:2] == (str(alive), str(171 - alive))
    place = rows.index[(rows["analysis"] == "cox_univariable") & (rows["statistic"] == "n") & (rows["level"] == "")]
    wrong = rows.copy()
    wrong.loc[place, "value"] -= 1
    told = [row.cells[3] for row in tables.denominators(wrong, study=cohort.study).rows]
    assert UNEXPLAINED in told
