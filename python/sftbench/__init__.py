"""What sftbench recorded, for people who live in pandas.

    import sftbench
    sweep = sftbench.load("results/demo")
    sweep.runs        # a row a run: axes, config, status, facts, measures
    sweep.scores      # a row a run, task, split, metric: the last round
    sweep.evals       # the same of every round and point
    sweep.items       # the score of every test item
    sweep.curves      # a row an optimizer step

Needs h5py and pandas, and nothing of the compiled program. It reads; intervals
and tests are what `sftbench report` computes, and nobody else.
"""

from sftbench.records import Sweep, load, read_records

__all__ = ["Sweep", "load", "read_records"]
