#!/usr/bin/env python3
"""Writes statistics.json: intervals, p values, power and corrections by SciPy.

  make_golden_statistics.py

Needs numpy, scipy, statsmodels. The crossed standard error comes from
statsmodels' two-way analysis of variance of made-up differences (seeds x
items); t, noncentral t, binomial and chi-squared from scipy.stats, Holm from
statsmodels.

Writes: statistics.json
"""
import numpy as np
import pandas as pd
import statsmodels.api as sm
from scipy import integrate, optimize, stats
from statsmodels.formula.api import ols
from statsmodels.stats.multitest import multipletests

import golden_file

SEED = 20261130


def mean_squares(values):
    """Of seeds, items and rest, by statsmodels."""
    s, i = values.shape
    frame = pd.DataFrame({"y": values.ravel(),
                          "s": np.repeat(np.arange(s), i),
                          "i": np.tile(np.arange(i), s)})
    table = sm.stats.anova_lm(ols("y ~ C(s) + C(i)", frame).fit(), typ=1)
    square = table["sum_sq"] / table["df"]
    return square["C(s)"], square["C(i)"], square["Residual"]


def half_width(a, b, fa, fb, alpha):
    return np.sqrt(stats.t.isf(alpha / 2, fa) ** 2 * a +
                   stats.t.isf(alpha / 2, fb) ** 2 * b)


def p_value(a, b, fa, fb, difference):
    gap = lambda lp: half_width(a, b, fa, fb, np.exp(lp)) - abs(difference)
    return float(np.exp(optimize.brentq(gap, -200, 0, xtol=1e-14, rtol=1e-14)))


def detectable(a, b, fa, fb, alpha=0.05, power=0.8):
    """Power over the distribution of A's estimate, by quadrature."""
    se, ta, tb = np.sqrt(a + b), stats.t.isf(alpha / 2, fa), stats.t.isf(
        alpha / 2, fb)

    def lacking(effect):
        def found(x):
            c = np.sqrt(ta ** 2 * a * x / fa + tb ** 2 * b)
            return stats.chi2.pdf(x, fa) * (
                stats.norm.sf((c - effect) / se) +
                stats.norm.cdf((-c - effect) / se))
        high = stats.chi2.isf(1e-14, fa)
        return integrate.quad(found, 0, high, epsabs=1e-12, epsrel=1e-11,
                              limit=400, points=[high / 50, high / 8])[0] - power
    return optimize.brentq(lacking, 0.5 * se, 40 * se, xtol=1e-12)


def crossed(rng, seeds, items, seed_sd, taste_sd, rest_sd, gain):
    values = (gain + seed_sd * rng.standard_normal((seeds, 1)) +
              taste_sd * rng.standard_normal((1, items)) +
              rest_sd * rng.standard_normal((seeds, items)))
    square_s, square_i, square_r = mean_squares(values)
    a = square_s / (seeds * items)
    b = max(0.0, (square_i - square_r) / (seeds * items))
    fa, fb = seeds - 1, items - 1
    floor = stats.chi2.ppf(0.05, fa) / fa * square_r / (seeds * items)
    a = max(a, floor)
    difference = values.mean()
    half = half_width(a, b, fa, fb, 0.05)
    return {"values": values.tolist(), "difference": difference, "seeds": a,
            "items": b, "low": difference - half, "high": difference + half,
            "p": p_value(a, b, fa, fb, difference),
            "detectable": detectable(a, b, fa, fb)}


def noncentral(df, alpha=0.05, power=0.8):
    """The noncentral t's own: no items."""
    t = stats.t.isf(alpha / 2, df)
    return optimize.brentq(
        lambda d: stats.nct.sf(t, df, d) + stats.nct.cdf(-t, df, d) - power,
        0.5, 8, xtol=1e-13)


def sign_flip(d):
    signs = np.array(np.meshgrid(*[[1, -1]] * len(d))).reshape(len(d), -1)
    sums = np.abs(np.array(d) @ signs)
    return float(np.mean(sums >= abs(sum(d)) * (1 - 1e-9)))


def main():
    rng = np.random.default_rng(SEED)
    cases = [crossed(rng, *case) for case in [
        (3, 12, 0.05, 0.3, 0.4, 0.1), (3, 20, 0.0, 0.5, 0.2, 0.3),
        (5, 15, 0.2, 0.1, 0.6, 0.0), (8, 10, 0.1, 0.4, 0.3, 0.25),
        (4, 25, 1.0, 0.0, 0.5, 2.0)]]
    flips = [[-0.247, 0.0, 0.0], [0.1, 0.2, 0.15], [0.1, 0.2, -0.15, 0.3, 0.4],
             [0.1] * 8, [0.3, -0.1, 0.2, 0.25, 0.31, 0.02, -0.2, 0.4]]
    p_values = [0.04, 0.001, 0.9, 0.0312, 0.013, 0.2]
    out = {
        "crossed": cases,
        "paired_t": [{"values": v.tolist(),
                      "p": float(stats.ttest_1samp(v, 0).pvalue),
                      "interval": list(stats.ttest_1samp(
                          v, 0).confidence_interval())}
                     for v in (rng.standard_normal(n) * 0.1 + 0.08
                               for n in (3, 5, 8))],
        "noncentral": [{"freedom": df, "effect": noncentral(df)}
                       for df in (2, 4, 7, 30)],
        "sign_flip": [{"values": d, "p": sign_flip(d)} for d in flips],
        "mcnemar": [{"wins": w, "losses": l,
                     "p": stats.binomtest(w, w + l).pvalue}
                    for w, l in ((10, 2), (117, 22), (5, 5), (0, 9))],
        "holm": {"p": p_values, "adjusted": multipletests(
            p_values, method="holm")[1].tolist()}}
    golden_file.write(__file__, ("numpy", "scipy", "statsmodels"), SEED, out)


if __name__ == "__main__":
    main()
