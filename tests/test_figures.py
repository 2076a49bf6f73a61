"""What figures plot, as data; that no text is cut; that arms differ without colour."""

from functools import partial

import numpy as np
import pandas as pd
import pypdfium2
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from PIL import Image

from helpers import cox, describe, exhibits, figures, survival
from helpers.cohort import read_cohort
from helpers.estimates import Source
from helpers.ledger import select
from helpers.store import PLACE
from helpers.study import read_study

pytestmark = pytest.mark.slow


def all_figures(cohort):
    """Every figure that the study's estimates draw, from those this run keeps."""
    study, known = cohort.study, partial(Source(cohort.study).value, given={})
    counted = {"at_risk": known("at_risk"), "events": known("events")}
    tested = {"incidences": known("incidences"), "tests": known("gray_tests")}
    curved = {"histogram": known("histogram"), "estimates": known("splines")}
    changing = {"periods": known("periods"), "tests": known("proportionality")}
    changing["effects"] = pd.concat([known("univariable"), known("multivariable")])
    return [
        figures.flow(known("flow"), study=study),
        *figures.love(known("baselines")["balance"], weighted=known("weighted_balance"), study=study),
        *figures.overlap(known("overlap"), study=study),
        *figures.stability(known("stability"), study=study),
        *figures.splines(known("spline_curves"), **curved, study=study),
        *figures.subgroups(known("subgroups"), interactions=known("interactions"), study=study),
        *figures.kaplan_meier(known("curves"), **counted, log_rank=known("log_rank"), study=study),
        *figures.incidence(known("incidence_curves"), **counted, **tested, study=study),
        *figures.forest(known("multivariable"), study=study),
        *figures.changing_effect(known("scaled_residuals"), **changing, study=study),
    ]


@pytest.fixture(scope="module")
def drawn(gbsg2):
    return {figure.name: figure for figure in all_figures(gbsg2)}


@pytest.fixture(scope="module")
def marked(stent):
    return {figure.name: figure for figure in all_figures(stent)}


def lightness(colour) -> float:
    return float(np.dot(to_rgb(colour), [0.2126, 0.7152, 0.0722]))


def test_curves_are_the_estimates(drawn, gbsg2):
    axes = drawn["kaplan_meier_RFS"].drawing.axes[0]
    for position, arm in enumerate(["no", "yes"]):
        line, ticks = axes.lines[2 * position : 2 * position + 2]
        data = gbsg2.outcome("RFS")
        data = data[data["horTh"] == arm]
        table = survival.product_limit(data["time"].to_numpy(), data["event"].to_numpy())
        np.testing.assert_allclose(line.get_xdata(), [0, *table["time"]], atol=1e-6)
        np.testing.assert_allclose(line.get_ydata(), [100, *(100 * table["survival"])], rtol=1e-12)
        assert line.get_drawstyle() == "steps-post"
        assert len(ticks.get_xdata()) == (table["n_censored"] > 0).sum()
    assert axes.get_legend().get_texts()[1].get_text() == "Hormonal therapy"


def test_the_risk_table_stands_under_its_ticks(drawn, gbsg2):
    axes, table = drawn["kaplan_meier_RFS"].drawing.axes
    frame = survival.at_risk(gbsg2)
    texts = [(text.get_position(), text.get_text()) for text in table.texts]
    for arm in ("no", "yes"):
        for _, row in select(frame, group=arm).iterrows():
            shown = f"{int(row['n_risk'])} ({int(row['n_censored'])})"
            assert any(x == float(row["at"]) and text == shown for (x, _), text in texts)
    assert [text.get_text() for text in axes.get_xticklabels()] == list(dict.fromkeys(frame["at"]))
    assert axes.get_xlim() == table.get_xlim()
    assert axes.get_position().x0 == pytest.approx(table.get_position().x0)


def test_the_forest_plots_the_hazard_ratios(drawn, gbsg2):
    axes = drawn["forest_RFS_adjusted"].drawing.axes[0]
    frame = select(cox.multivariable(gbsg2), model="adjusted")
    expected = frame[frame["hr"].notna()]
    bars = [line for line in axes.lines if len(line.get_xdata()) == 2 and line.get_ydata()[0] == line.get_ydata()[1]]
    points = [line for line in axes.lines if line.get_marker() == "s"]
    np.testing.assert_allclose([bar.get_xdata() for bar in bars], expected[["hr_low", "hr_high"]], rtol=1e-12)
    np.testing.assert_allclose([float(np.ravel(p.get_xdata())[0]) for p in points], expected["hr"], rtol=1e-12)
    assert axes.get_xscale() == "log"
    assert axes.lines[0].get_xdata() == [1, 1]


def test_the_flow_says_every_number(stent):
    figure = figures.flow(describe.flow(stent), study=stent.study)
    texts = " ".join(text.get_text().replace("\n", " ") for text in figure.drawing.axes[0].texts)
    for said in (
        "All patients screened n = 64",
        "Neither procedure n = 2",
        "Younger than 18 years n = 2",
        "n = 60",
        "Surgery n = 30",
    ):
        assert said in texts
        assert said.replace("n = 60", "Analysis cohort n = 60") in figure.alt
    staged = figures.flow(describe.flow(stent), study=stent.study, population="staged")
    assert "Stage IV n = 11" in staged.alt
    assert "stage II or III n = 44" in staged.alt


@pytest.fixture
def wordy(study_copy):
    """The invented study with labels as long as studies have them."""
    long = "Self-expanding metallic stent placed under fluoroscopic guidance"
    label = "Locoregional recurrence-free survival after completion of all planned treatment"
    stage = "Stage III, that is regional lymph nodes involved but nothing beyond them"
    reason = "Younger than 18 years at the time of the first admission for this disease"
    changes = {
        "Self-expanding stent": long,
        "Progression-free survival": label,
        "Stage III": stage,
        "Younger than 18 years": reason,
    }
    return read_cohort(read_study(study_copy(changes)))


def beyond_the_axes(drawing) -> set[int]:
    """Labels of ticks outside the view, which are never drawn."""
    found = set()
    for axis in [each for axes in drawing.axes for each in (axes.xaxis, axes.yaxis)]:
        low, high = sorted(axis.get_view_interval())
        found |= {id(tick.label1) for tick in axis.get_major_ticks() if not low <= tick.get_loc() <= high}
    return found


def test_no_text_is_cut_and_none_overlaps(drawn, wordy):
    for figure in [*drawn.values(), *all_figures(wordy)]:
        drawing = figure.drawing
        renderer = FigureCanvasAgg(drawing).get_renderer()
        drawing.draw_without_rendering()
        width, height = drawing.canvas.get_width_height()
        boxes, unseen = {}, beyond_the_axes(drawing)
        for text in drawing.findobj(
            lambda artist: hasattr(artist, "get_window_extent") and hasattr(artist, "get_text")
        ):
            if text.get_visible() and text.get_text().strip() and id(text) not in unseen:
                box = text.get_window_extent(renderer)
                assert box.x0 >= 0, (figure.name, text.get_text())
                assert box.y0 >= 0, (figure.name, text.get_text())
                assert box.x1 <= width, (figure.name, text.get_text())
                assert box.y1 <= height, (figure.name, text.get_text())
                boxes[text.get_text()] = box
        if "kaplan" not in figure.name:
            continue
        risk = [text.get_window_extent(renderer) for text in drawing.axes[1].texts]
        legend = drawing.axes[0].get_legend().get_window_extent(renderer)
        assert legend.y0 >= drawing.axes[0].get_window_extent(renderer).y1 - 1, "the legend is above the curves"
        assert not any(a.overlaps(b) for i, a in enumerate(risk) for b in risk[i + 1 :]), figure.name


def test_arms_differ_without_colour(drawn):
    no, _, yes, _ = drawn["kaplan_meier_RFS"].drawing.axes[0].lines[:4]
    assert no.get_linestyle() != yes.get_linestyle()
    assert abs(lightness(no.get_color()) - lightness(yes.get_color())) > 0.2


def test_the_same_figure_is_the_same_file(stent, marked, tmp_path, monkeypatch):
    """A picture of 600 dots an inch is as large as the page, and the page's text is text."""
    again = {figure.name: figure for figure in all_figures(stent)}
    assert list(again) == list(marked)
    for name in ("love_paired", "splines_PFS_paired_knots_3_adjusted"):
        for folder, each in ((tmp_path / "one", marked), (tmp_path / "two", again)):
            folder.mkdir(exist_ok=True)
            monkeypatch.setenv(PLACE, str(folder / "store"))
            each[name].keep(folder)
        for suffix in exhibits.SUFFIXES:
            one, two = ((folder / f"{name}.{suffix}").read_bytes() for folder in (tmp_path / "one", tmp_path / "two"))
            assert one == two
        with Image.open(tmp_path / "one" / f"{name}.png") as picture:
            inches = np.array(marked[name].drawing.get_size_inches())
            assert np.abs(np.array(picture.size) - 600 * inches).max() < 1.001
            assert picture.info["dpi"] == pytest.approx((600, 600), abs=0.02)
        with pypdfium2.PdfDocument(tmp_path / "one" / f"{name}.pdf") as page:
            assert marked[name].mark in page[0].get_textpage().get_text_range().replace("\r\n", " ")


def test_a_synthetic_cohort_is_marked_in_every_figure(stent, marked, drawn):
    for figure in marked.values():
        assert stent.study.mark in [text.get_text() for text in figure.drawing.texts]
        assert stent.study.mark in figure.legend()
    said = [text.get_text() for figure in drawn.values() for text in figure.drawing.texts]
    assert not any("Synthetic" in text for text in said)


def test_estimates_and_ledger_rows_draw_the_same(gbsg2, gbsg2_ledger):
    from helpers.ledger import pivot

    rows = gbsg2_ledger
    again = pivot(select(rows, analysis="cox_multivariable"))
    one = figures.forest(cox.multivariable(gbsg2), study=gbsg2.study)[0]
    two = figures.forest(again, study=gbsg2.study)[0]
    assert one.alt == two.alt


def test_the_changing_effect_draws_residuals_and_periods(drawn, gbsg2):
    axes = drawn["changing_effect_RFS_adjusted"].drawing.axes[0]
    dots = next(line for line in axes.lines if line.get_marker() == "o")
    residuals = select(cox.scaled_residuals(gbsg2), model="adjusted")
    np.testing.assert_allclose(dots.get_xdata(), residuals["at"].astype(float))
    np.testing.assert_allclose(np.log(dots.get_ydata()), residuals["log_hr"].clip(-4, 4))
    periods = select(cox.periods(gbsg2), model="adjusted")
    levels = [line.get_ydata()[0] for line in axes.lines if len(line.get_ydata()) == 2 and line.get_linewidth() == 1.8]
    np.testing.assert_allclose(levels, periods["hr"])
