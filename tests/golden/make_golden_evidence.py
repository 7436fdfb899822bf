#!/usr/bin/env python3
"""Writes evidence.json: power, false discovery, improvement, fronts by SciPy.

  make_golden_evidence.py

Needs numpy, scipy, statsmodels. Power of a paired t test and of a normal test
at the levels that Holm asks of the first of 1, 4 and 12 comparisons comes from
statsmodels' power functions (its own solver stops early where t is large),
Benjamini and Hochberg's values from its multipletests, the probability of
improvement from scipy's Mann-Whitney U; membership of a front is counted over
every draw of the seeds.

Writes: evidence.json
"""
import itertools

import numpy as np
from scipy import integrate, optimize, stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import NormalIndPower, TTestPower

import golden_file

SEED = 20261201
FAMILY_LEVEL = 0.025


def quadrature(effect, seeds, alpha):
    """Where statsmodels gives no number: over the chi-squared of the variance."""
    f, t = seeds - 1, stats.t.isf(alpha / 2, seeds - 1)
    shift = effect * np.sqrt(seeds)

    def found(root):  # the standard deviation over the true one
        c = t * root
        density = stats.chi2.pdf(f * root ** 2, f) * 2 * f * root
        return density * (stats.norm.sf(c - shift) + stats.norm.cdf(-c - shift))
    high = np.sqrt(stats.chi2.isf(1e-15, f) / f)
    return integrate.quad(found, 0, high, epsabs=1e-12, epsrel=1e-11,
                          limit=400, points=[min(high, shift / t)])[0]


def power(effect, seeds, alpha):
    one = float(TTestPower().power(effect, seeds, alpha))
    if np.isnan(one):
        return quadrature(effect, seeds, alpha), "quadrature"
    assert abs(one - quadrature(effect, seeds, alpha)) < 1e-7
    return one, "statsmodels"


def power_cases():
    cases = []
    for seeds in (3, 5, 8):
        for comparisons in (1, 4, 12):
            alpha = FAMILY_LEVEL / comparisons
            effect = optimize.brentq(
                lambda d: power(d, seeds, alpha)[0] - 0.8, 0.2, 40, xtol=1e-12)
            at = [[d, *power(d, seeds, alpha)] for d in (0.5, 1.0, 3.0)]
            cases.append({"seeds": seeds, "comparisons": comparisons,
                          "effect": effect, "power": at})
    return cases


def normal_cases():
    """Of one seed: over items alone, the normal's."""
    return [{"items": n, "comparisons": m, "effect": float(
        NormalIndPower(ddof=0).solve_power(
            nobs1=n, alpha=FAMILY_LEVEL / m, power=0.8, ratio=0))}
        for n in (100, 872) for m in (1, 4, 12)]


def fronts(rng):
    """values[cell][seed][objective], higher is better; all 27 draws of seeds."""
    values = np.round(rng.standard_normal((4, 3, 2)), 2)
    values[1] = values[0] - 0.1  # always behind the first
    members = np.zeros(4)
    draws = list(itertools.product(range(3), repeat=3))
    for draw in draws:
        means = values[:, list(draw), :].mean(axis=1)
        for c in range(4):
            beaten = any((means[o] >= means[c]).all() and
                         (means[o] > means[c]).any() for o in range(4) if o != c)
            members[c] += not beaten
    return {"values": values.tolist(), "exact": (members / len(draws)).tolist()}


def main():
    rng = np.random.default_rng(SEED)
    p_values = [0.04, 0.001, 0.9, 0.0312, 0.013, 0.2, 0.04]
    improvement = []
    for n, m in ((3, 3), (5, 4), (8, 1)):
        x = np.round(rng.standard_normal(n) + 0.5, 1)
        y = np.round(rng.standard_normal(m), 1)
        x[0] = y[0]  # a tie
        u = stats.mannwhitneyu(x, y).statistic
        improvement.append({"x": x.tolist(), "y": y.tolist(),
                            "probability": float(u / (n * m))})
    out = {
        "power": power_cases(),
        "normal": normal_cases(),
        "benjamini_hochberg": {"p": p_values, "adjusted": multipletests(
            p_values, method="fdr_bh")[1].tolist()},
        "improvement": improvement,
        "front": fronts(rng)}
    golden_file.write(__file__, ("numpy", "scipy", "statsmodels"), SEED, out)


if __name__ == "__main__":
    main()
