"""The words of the ledger: its key, analyses, statistics and reasons."""

KEY = ["population", "endpoint", "analysis", "model", "variable", "level", "group", "statistic", "at"]
WIDE_KEY = [name for name in KEY if name != "statistic"]
COLUMNS = [*KEY, "value", "section", "method", "reference"]
DESCRIPTION = ["method", "reference", "not_estimable"]

ANALYSES = {
    "flow": "patients leaving at each eligibility step",
    "count": "patients, or events of an endpoint, and their share",
    "summary": "location and spread of a continuous variable",
    "comparison": "test of a variable between the arms",
    "balance": "standardised difference of a variable between the arms",
    "follow_up": "observation time by reverse Kaplan-Meier",
    "loss": "who was lost to follow-up, whether one arm more, and what events of unknown time could change",
    "kaplan_meier": "product-limit estimate of the survivor function",
    "log_rank": "comparison of survivor functions",
    "rmst": "restricted mean survival time",
    "cox_univariable": "Cox model of one variable",
    "cox_multivariable": "Cox model of several variables",
    "diagnostics": "whether the hazards of a Cox model are proportional; by period from `at` on",
    "cox_weighted": "Cox model of treatment alone, patients weighted by their propensity score",
    "cox_time_dependent": "Cox model with treatment as an exposure that begins",
    "clock": "what of an effect goes when treatment counts from its beginning; of the start, when that was",
    "landmark": "Cox model of the patients at risk at month `at`, treated by then or not, time counted from there",
    "clone_censor_weight": "beginning treatment within months against not, patients cloned, censored and weighted",
    "competing_risks": "cumulative incidence of an event among others that preclude it, and its test between the arms",
    "cause_specific": "Cox model of treatment alone for one of several first events, the others censored",
    "trend": "whether an outcome changes with the ordered levels of a variable, per step",
    "risk_difference": "difference between the arms of the share with an event",
    "simulation": "how a way of analysing errs in drawn cohorts whose hazard ratio is `at`",
    "propensity": "probability of treatment given covariates; of a level: who is in it, by arm",
    "stability": "hazard ratio for treatment under other ways of matching, the caliper at `at`",
    "spline": "Cox model with a restricted cubic spline",
    "subgroup": "effect of treatment in a level of a variable",
    "interaction": "whether the effect of treatment differs between the levels of a variable",
}

INFINITE = "too large to be told"
NOT_REACHED = "not reached"
NOBODY_LEFT = "nobody is followed this long"
NOBODY_HAS_IT = "nobody has it"
CANNOT_HAVE_IT = "one arm cannot have it"

FITTED = set(ANALYSES) - {"flow", "count", "summary", "comparison", "balance", "risk_difference", "clock"}

_COX = """n n_event n_missing n_not_applicable n_no_time n_parameter events_per_parameter log_likelihood
    hr hr_low hr_high log_hr log_hr_se p_wald p_overall p_lrt"""
E_VALUES = ["percent", "e_value_rare", "e_value_common", "e_value_limit_rare", "e_value_limit_common"]
_E_VALUES = " ".join(E_VALUES)
_LOST = "n n_event n_missing n_not_applicable n_no_time"
_SPREAD = "mean sd median q1 q3 minimum maximum"

STATISTICS_OF = {
    analysis: names.split()
    for analysis, names in {
        "flow": "n_before n_excluded n",
        "count": "n percent n_event n_missing percent_missing n_extended",
        "summary": f"n n_missing percent_missing {_SPREAD}",
        "comparison": "test_statistic df p_test",
        "balance": "smd_pooled smd_att variance_ratio",
        "follow_up": "median median_low median_high",
        "loss": """n n_event n_censored percent_followed percent_complete chi_square df p_log_rank
            hr hr_low hr_high log_hr log_hr_se p_wald""",
        "kaplan_meier": "median median_low median_high rate rate_low rate_high n_risk n_event n_censored",
        "log_rank": "chi_square df p_log_rank n_event n_expected",
        "rmst": "rmst rmst_se rmst_low rmst_high rmst_difference rmst_difference_low rmst_difference_high p_test",
        "cox_univariable": f"{_COX} {_E_VALUES}",
        "cox_multivariable": f"{_COX} fraction_missing {_E_VALUES}",
        "cox_weighted": f"{_LOST} n_effective hr hr_low hr_high log_hr log_hr_se p_wald",
        "diagnostics": "chi_square df p_proportional hr hr_low hr_high n n_event",
        "cox_time_dependent": f"{_COX} {_E_VALUES}",
        "clock": "n n_missing minimum q1 median q3 maximum percent_clock percent_clock_low percent_clock_high",
        "landmark": f"{_COX} n_excluded {_E_VALUES}",
        "clone_censor_weight": f"""{_LOST} n_censored n_effective weight_max hr hr_low hr_high log_hr log_hr_se p_wald
            rate rate_low rate_high rmst rmst_difference rmst_difference_low rmst_difference_high {_E_VALUES}""",
        "competing_risks": "n n_event n_risk incidence incidence_low incidence_high chi_square df p_gray",
        "cause_specific": "n n_event hr hr_low hr_high log_hr log_hr_se p_wald",
        "risk_difference": "risk_difference risk_difference_low risk_difference_high p_test risk risk_low risk_high",
        "trend": "n n_event df p_test hr hr_low hr_high log_hr log_hr_se p_wald",
        "simulation": """n n_draw n_failed log_hr log_hr_limit log_hr_limit_se log_hr_estimand
            bias bias_se log_hr_sd log_hr_se
            percent_rejected percent_rejected_low percent_rejected_high
            percent_covered percent_covered_low percent_covered_high""",
        "propensity": f"n n_missing n_outside {_SPREAD}",
        "stability": "n n_draw hr hr_low hr_high log_hr log_hr_se p_wald hr_least hr_most",
        "spline": f"""{_LOST} p_overall p_nonlinear p_lrt turning_point knot hr hr_low hr_high
            crossing crossing_low crossing_high extremum extremum_low extremum_high percent_found""",
        "subgroup": "n n_event hr hr_low hr_high log_hr log_hr_se p_wald",
        "interaction": f"""{_LOST} df p_overall p_lrt p_holm n_tested
            hr hr_low hr_high log_hr log_hr_se p_wald detectable_low detectable_high""",
    }.items()
}

STATISTICS = {
    "n": "patients",
    "n_before": "patients before the step",
    "n_excluded": "patients leaving at the step, or no longer at risk at the landmark",
    "n_missing": "patients without a value, or lost to a model for missing values",
    "n_not_applicable": "patients lost to a model because a covariate cannot exist in them",
    "n_no_time": "patients without a usable time",
    "n_extended": "patients without the event whose last contact does not reach the cut-off, but who are censored at "
    "it because a later date tells that they were at risk until then",
    "n_risk": "patients at risk just before the time; of a month, before its last whole day",
    "n_event": "events, up to the time where one is given",
    "n_censored": "patients censored, up to and including the time where one is given; of clones, artificially",
    "n_expected": "events expected under equal hazards",
    "n_parameter": "parameters of a model",
    "n_effective": "patients that would carry as much information without weights (Kish)",
    "n_outside": "patients whose propensity score no patient of the other arm reaches",
    "n_draw": "cohorts drawn",
    "n_failed": "cohorts drawn in which there was no estimate",
    "n_tested": "interactions tested together, of all endpoints of a population",
    "percent": "share of the patients with a known value, or of an endpoint's patients with the event, 0 to 100",
    "percent_clock": "share of the log hazard ratio with the arm as known at time zero that goes when treatment counts "
    "from its beginning, same covariates and patients, in per cent",
    "percent_clock_low": "lower bootstrap limit of the share",
    "percent_clock_high": "upper bootstrap limit of the share",
    "percent_followed": "share of the patients not lost before the time, events counting as followed, 0 to 100",
    "percent_complete": "months seen up to the time over those without loss (Clark's C), 0 to 100",
    "percent_missing": "share of the patients without a value, 0 to 100; of no variable: of the one missing most",
    "rate": "survivor function, 0 to 100",
    "rate_low": "lower confidence limit of the rate",
    "rate_high": "upper confidence limit of the rate",
    "mean": "arithmetic mean",
    "sd": "standard deviation, n - 1",
    "median": "median; of a survivor function in months",
    "median_low": "lower confidence limit of the median",
    "median_high": "upper confidence limit of the median",
    "q1": "first quartile",
    "q3": "third quartile",
    "minimum": "smallest value",
    "maximum": "largest value",
    "rmst": "restricted mean survival time, months",
    "rmst_se": "standard error of the restricted mean",
    "rmst_low": "lower confidence limit of the restricted mean",
    "rmst_high": "upper confidence limit of the restricted mean",
    "rmst_difference": "difference of restricted means, treated minus reference, months",
    "rmst_difference_low": "lower confidence limit of the difference",
    "rmst_difference_high": "upper confidence limit of the difference",
    "hr": "hazard ratio; of an interaction the ratio of two",
    "hr_least": "smallest hazard ratio over pairs made in several random orders",
    "hr_most": "largest hazard ratio over pairs made in several random orders",
    "hr_low": "lower confidence limit of the hazard ratio",
    "hr_high": "upper confidence limit of the hazard ratio",
    "detectable_low": "ratio of hazard ratios below 1 that would be found with 80% power",
    "detectable_high": "ratio of hazard ratios above 1 that would be found with 80% power",
    "log_hr": "regression coefficient; over drawn cohorts its mean",
    "log_hr_se": "standard error of the coefficient; over drawn cohorts the mean of its estimates",
    "events_per_parameter": "events divided by parameters",
    "log_likelihood": "maximised partial log likelihood",
    "chi_square": "chi-square statistic",
    "df": "degrees of freedom",
    "test_statistic": "statistic of the test named in `method`",
    "p_test": "P value of the test named in `method`",
    "p_wald": "P value, Wald test of one coefficient",
    "p_overall": "P value, Wald test of all coefficients of a variable",
    "p_lrt": "P value, likelihood-ratio test",
    "p_log_rank": "P value, log-rank test",
    "p_proportional": "P value, score test of an effect that changes with time",
    "p_holm": "P value, likelihood-ratio test, adjusted for the number of tests by Holm's method",
    "p_nonlinear": "P value, Wald test of the nonlinear terms of a spline",
    "turning_point": "value of the variable at which the spline's hazard ratio is 1 because it is the reference",
    "knot": "where a spline's pieces join",
    "crossing": "another value than the reference at which the spline's hazard ratio is 1",
    "crossing_low": "lower bootstrap limit of the crossing",
    "crossing_high": "upper bootstrap limit of the crossing",
    "extremum": "value at which the spline's hazard ratio is highest or lowest between others",
    "extremum_low": "lower bootstrap limit of the extremum",
    "extremum_high": "upper bootstrap limit of the extremum",
    "percent_found": "share of the bootstrap samples whose curve has such a point, 0 to 100",
    "fraction_missing": "share of a coefficient's variance that is due to missing values, 0 to 1",
    "e_value_rare": "E-value of the hazard ratio, rare-outcome formula",
    "e_value_common": "E-value of the hazard ratio, common-outcome formula",
    "e_value_limit_rare": "E-value of the confidence limit nearer to one, rare-outcome formula",
    "e_value_limit_common": "E-value of the confidence limit nearer to one, common-outcome formula",
    "weight_max": "largest weight",
    "incidence": "cumulative incidence, 0 to 100",
    "incidence_low": "lower confidence limit of the cumulative incidence",
    "incidence_high": "upper confidence limit of the cumulative incidence",
    "p_gray": "P value, Gray's test of cumulative incidences",
    "risk_difference": "share among the treated minus share in the reference arm, in percentage points",
    "risk": "share of the patients with the event, 0 to 100",
    "risk_low": "lower confidence limit of the share",
    "risk_high": "upper confidence limit of the share",
    "risk_difference_low": "lower confidence limit of the difference",
    "risk_difference_high": "upper confidence limit of the difference",
    "log_hr_limit": "what the estimator tends to, from one very large cohort",
    "log_hr_limit_se": "standard error of what the estimator tends to, by that cohort",
    "log_hr_estimand": "what bias and coverage are judged against: 0 where treatment does nothing, else the "
    "estimator's own limit",
    "bias": "mean coefficient minus what it is judged against",
    "bias_se": "Monte Carlo standard error of the bias",
    "log_hr_sd": "standard deviation of the coefficient over the cohorts drawn",
    "percent_rejected": "share of the cohorts drawn whose interval leaves out a hazard ratio of one, 0 to 100",
    "percent_rejected_low": "lower Monte Carlo limit of the share",
    "percent_rejected_high": "upper Monte Carlo limit of the share",
    "percent_covered": "share of the cohorts drawn whose interval covers what it is judged against, 0 to 100",
    "percent_covered_low": "lower Monte Carlo limit of the share",
    "percent_covered_high": "upper Monte Carlo limit of the share",
    "smd_pooled": "difference in units of the pooled standard deviation before matching, treated minus reference",
    "smd_att": "difference in units of the treated arm's standard deviation before matching, treated minus reference",
    "variance_ratio": "variance of the treated divided by that of the reference",
}
