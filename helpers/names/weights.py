"""Weights by the propensity score: what each is called and whose effect it estimates."""

from typing import NamedTuple


class Weight(NamedTuple):
    """A weight's label, the patients whose effect it estimates, and the estimand's abbreviation."""

    label: str
    patients: str
    estimand: str

    @property
    def method(self) -> str:
        """The weight with its estimand, as the ledger's method."""
        return f"{self.label[0].lower()}{self.label[1:]}: effect in {self.patients} ({self.estimand})"


WEIGHTS = {
    "overlap": Weight("Overlap weights", "the patients likely to have either treatment", "ATO"),
    "iptw": Weight("Inverse probability of treatment weights", "all patients with a score", "ATE"),
    "att": Weight("Weights by the odds of treatment", "the treated with a score", "ATT"),
}
