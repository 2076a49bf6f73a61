"""What the paper does not print and the cohort needs: assumed once, here, and named in the study file."""

EXCLUDED = {
    "age": 0,
    "induction": 62,
    "no_disease_control": 88,
    "no_measurable_lesion": 21,
    "limited_or_mixed": 97,
    "other_first_line": 168,
    "early_progression": 54,
    "other_malignancy": 23,
    "incomplete_baseline": 61,
    "lost_early": 47,
    "early_death": 38,
    "late_pci": 8,
}
FIRST_SITE = {
    "non_ctrt": {"brain": 17, "liver": 11, "bone": 6, "other": 6, "lost": 4},
    "ctrt": {"brain": 19, "liver": 12, "bone": 6, "other": 6, "lost": 1},
}
SHARE_FIRST_HOSPITAL = 0.7
SHARE_LOWER_GRADE = 0.65
WITHOUT_OS_TIME = 4
SHAPES = {
    "age": ("normal", 1, 40, 84),
    "bmi": ("normal", 100, 15, 35),
    "immunotherapy_cycles": ("skewed", 1, 2, 22),
    "maintenance_cycles": ("skewed", 1, 1, 20),
    "chemotherapy_cycles": ("skewed", 1, 2, 10),
    "ldh": ("skewed", 1, 110, 5500),
    "glr": ("skewed", 100, 0.6, 25),
    "nlr": ("skewed", 100, 0.6, 20),
}
KNOWN = {"maintenance_cycles": (28, 42)}
EARLY_DEATHS_FROM = {"non_ctrt": 6.7, "ctrt": 7.3}
LAST_SEEN = {"non_ctrt": 23.9, "ctrt": 52.0}
CYCLE_MONTHS = 21 / 30.4375
FIRST_START = 1.5
LATEST_START = 6.9
DIED_SOON = 2
BEFORE_DEATH = 1.9
FRACTIONATION = {
    "low": "hypofractionated",
    "moderate": "conventional",
    "standard": "conventional",
    "high": "conventional",
    "individualised": "individualised",
}
FOLLOWED_FOR = 3.0
EARLIEST_PROGRESSION = 2.3
PROGRESSED_BEFORE = 0.3
UNKNOWN_DEATHS_BY = 14.0
