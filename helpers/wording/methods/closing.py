"""Methods: competing events, adverse events, level of tests, software."""

from helpers.study import Study
from helpers.versions import versions
from helpers.wording.methods.names import endpoints, months, populations, sentence, series, variables
from helpers.wording.methods.works import cite
from helpers.wording.phrases import quoted


def progression(study: Study) -> str:
    """Response, first sites and competing events; none where the study file says nothing of them."""
    asked = study.progression
    if asked is None:
        return ""
    counted = [name for name in (asked.response, asked.first_site) if name]
    were = "were" if len(counted) > 1 else "was"
    said = [f"{sentence(variables(study, counted))} {were} counted by arm."] if counted else []
    if asked.competing:
        of = asked.competing
        causes = [quoted(each.label) for each in of.causes.values()]
        said.append(
            f"Which of {series(causes)} came first was analysed as competing events: cumulative incidence by the "
            f"Aalen-Johansen estimator{cite('aalen')}, tabulated at {months(of.months)}, and compared between the arms "
            f"by Gray's test{cite('gray')} and by cause-specific Cox models of treatment alone{cite('prentice')}, "
            f"{quoted(of.causes[of.interest].label)} first. Times are those of "
            f"{endpoints(study, [of.endpoint])}; events whose cause is not recorded are an event of their own "
            f"({quoted(of.unrecorded)})."
        )
    return " ".join(said)


def adverse_events(study: Study) -> str:
    """Grading, worst grades, comparison; none where the study file names no adverse events."""
    asked = study.adverse_events
    if asked is None:
        return ""
    groups = series(quoted(group.label) for group in asked.groups.values())
    said = [
        f"Adverse events are given by grade ({asked.grading}). A patient counts once for each event, by the "
        f"worst grade, in the groups {groups}; grade {asked.severe} or higher is counted together. Per cent "
        "are of the patients whose grade is known.",
        f"Differences of risk between the arms have Newcombe's hybrid score intervals{cite('newcombe')} and P values "
        "of Fisher's exact test. An event that nobody has is not compared, nor is one that an arm cannot have: the "
        f"other arm's share has Wilson's score interval{cite('wilson')}.",
    ]
    said += [
        f"Some are also counted by {variables(study, [by.variable])} in {populations(study, [by.population])}."
        for by in asked.by
    ]
    if any(study.variables[by.variable].order for by in asked.by):
        said.append(f"Across ordered levels the exact Cochran-Armitage test was used{cite('armitage')}.")
    return " ".join(said)


def closing(study: Study) -> str:
    """Level, multiplicity, random draws, software."""
    alpha = f"{100 * (1 - study.confidence):g}%"
    holm = ", save for interactions" if study.subgroups else ""
    installed = versions()
    own = installed.pop("helpers")
    computing = series(f"{name} {installed[name]}" for name in ("numpy", "scipy", "pandas"))
    return (
        f"Tests are two-sided at the level of {alpha}, and intervals cover {study.level}. P values are not adjusted "
        f"for the number of tests{holm}. Random draws start from seed {study.seed}. The statistics are those of the "
        f"package helpers {own}, on {computing}; the provenance names all versions, the commit and the checksums of "
        "the data."
    )
