"""The works that methods come from, and how a text cites them."""

import re
from collections.abc import Iterable

from helpers.exhibits import Prose

MARK = "\ue000"
CITED = re.compile(f"{MARK}([^{MARK}]+){MARK}")
WORKS = {
    "aalen": "Aalen OO, Johansen S. An empirical transition matrix for non-homogeneous Markov chains based on censored "
    "observations. Scand J Stat 1978;5:141–150.",
    "altman": "Altman DG, Bland JM. Interaction revisited: the difference between two estimates. BMJ 2003;326:219.",
    "anderson": "Anderson JR, Cain KC, Gelber RD. Analysis of survival by tumor response. J Clin Oncol 1983;1:710–719.",
    "armitage": "Armitage P. Tests for linear trends in proportions and frequencies. Biometrics 1955;11:375–386.",
    "austin_balance": "Austin PC. Balance diagnostics for comparing the distribution of baseline covariates between "
    "treatment groups in propensity-score matched samples. Stat Med 2009;28:3083–3107.",
    "austin_bootstrap": "Austin PC, Small DS. The use of bootstrapping when using propensity-score matching without "
    "replacement: a simulation study. Stat Med 2014;33:4306–4319.",
    "austin_caliper": "Austin PC. Optimal caliper widths for propensity-score matching when estimating differences in "
    "means and differences in proportions in observational studies. Pharm Stat 2011;10:150–161.",
    "brookmeyer": "Brookmeyer R, Crowley J. A confidence interval for the median survival time. Biometrics "
    "1982;38:29–41.",
    "buuren": "van Buuren S. Flexible Imputation of Missing Data. 2nd ed. Boca Raton: CRC Press; 2018.",
    "clark": "Clark TG, Altman DG, De Stavola BL. Quantification of the completeness of follow-up. Lancet "
    "2002;359:1309–1310.",
    "cox": "Cox DR. Regression models and life-tables. J R Stat Soc B 1972;34:187–220.",
    "efron": "Efron B. The efficiency of Cox's likelihood function for censored data. J Am Stat Assoc 1977;72:557–565.",
    "firth": "Firth D. Bias reduction of maximum likelihood estimates. Biometrika 1993;80:27–38.",
    "grambsch": "Grambsch PM, Therneau TM. Proportional hazards tests and diagnostics based on weighted residuals. "
    "Biometrika 1994;81:515–526.",
    "gray": "Gray RJ. A class of K-sample tests for comparing the cumulative incidence of a competing risk. Ann Stat "
    "1988;16:1141–1154.",
    "greenwood": "Greenwood M. The natural duration of cancer. Reports on Public Health and Medical Subjects 33. "
    "London: HMSO; 1926.",
    "harrell": "Harrell FE. Regression Modeling Strategies. 2nd ed. Cham: Springer; 2015.",
    "heinze": "Heinze G, Schemper M. A solution to the problem of monotone likelihood in Cox regression. Biometrics "
    "2001;57:114–119.",
    "hernan_duration": "Hernán MA. How to estimate the effect of treatment duration on survival outcomes using "
    "observational data. BMJ 2018;360:k182.",
    "holm": "Holm S. A simple sequentially rejective multiple test procedure. Scand J Stat 1979;6:65–70.",
    "kaplan": "Kaplan EL, Meier P. Nonparametric estimation from incomplete observations. J Am Stat Assoc "
    "1958;53:457–481.",
    "kish": "Kish L. Survey Sampling. New York: Wiley; 1965.",
    "li": "Li F, Morgan KL, Zaslavsky AM. Balancing covariates via propensity score weighting. J Am Stat Assoc "
    "2018;113:390–400.",
    "lin": "Lin DY, Wei LJ. The robust inference for the Cox proportional hazards model. J Am Stat Assoc "
    "1989;84:1074–1078.",
    "mantel": "Mantel N. Evaluation of survival data and two new rank order statistics arising in its consideration. "
    "Cancer Chemother Rep 1966;50:163–170.",
    "mantel_byar": "Mantel N, Byar DP. Evaluation of response-time data involving transient states: an illustration "
    "using heart-transplant data. J Am Stat Assoc 1974;69:81–86.",
    "maringe": "Maringe C, Benitez Majano S, Exarchakou A, et al. Reflection on modern methods: trial emulation in the "
    "presence of immortal-time bias. Int J Epidemiol 2020;49:1719–1729.",
    "morris": "Morris TP, White IR, Crowther MJ. Using simulation studies to evaluate statistical methods. Stat Med "
    "2019;38:2074–2102.",
    "newcombe": "Newcombe RG. Interval estimation for the difference between independent proportions: comparison of "
    "eleven methods. Stat Med 1998;17:873–890.",
    "prentice": "Prentice RL, Kalbfleisch JD, Peterson AV Jr, Flournoy N, Farewell VT, Breslow NE. The analysis of "
    "failure times in the presence of competing risks. Biometrics 1978;34:541–554.",
    "rosenbaum": "Rosenbaum PR, Rubin DB. The central role of the propensity score in observational studies for causal "
    "effects. Biometrika 1983;70:41–55.",
    "rosenbaum_weights": "Rosenbaum PR. Model-based direct adjustment. J Am Stat Assoc 1987;82:387–394.",
    "royston": "Royston P, Parmar MKB. Restricted mean survival time: an alternative to the hazard ratio for the "
    "design and analysis of randomized trials with a time-to-event outcome. BMC Med Res Methodol 2013;13:152.",
    "rubin": "Rubin DB. Multiple Imputation for Nonresponse in Surveys. New York: Wiley; 1987.",
    "schemper": "Schemper M, Smith TL. A note on quantifying follow-up in studies of failure time. Control Clin Trials "
    "1996;17:343–346.",
    "suissa": "Suissa S. Immortal time bias in pharmacoepidemiology. Am J Epidemiol 2008;167:492–499.",
    "vanderweele": "VanderWeele TJ, Ding P. Sensitivity analysis in observational research: introducing the E-value. "
    "Ann Intern Med 2017;167:268–274.",
    "vanderweele_ratios": "VanderWeele TJ. Optimal approximate conversions of odds ratios and hazard ratios to risk "
    "ratios. Biometrics 2020;76:746–752.",
    "wilson": "Wilson EB. Probable inference, the law of succession, and statistical inference. J Am Stat Assoc "
    "1927;22:209–212.",
    "white": "White IR, Royston P. Imputing missing covariate values for the Cox model. Stat Med 2009;28:1982–1998.",
}


def cite(*names: str) -> str:
    """A place where works are cited, for `numbered` to fill."""
    return f"{MARK}{','.join(names)}{MARK}"


def numbered(paragraphs: Iterable[tuple[str, str, str]]) -> Prose:
    """Paragraphs with the works they cite numbered in the order of their first mention, and listed."""
    order: dict[str, int] = {}

    def number(found: re.Match) -> str:
        places = sorted(order.setdefault(name, len(order) + 1) for name in found[1].split(","))
        return f" [{', '.join(map(str, places))}]"

    said = tuple((name, head, CITED.sub(number, text)) for name, head, text in paragraphs)
    return Prose(said, tuple(WORKS[name] for name in order))
