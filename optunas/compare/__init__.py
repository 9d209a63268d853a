"""Samplers and studies against each other: equal budgets, paired seeds, honest statistics.

::

    from optunas.compare import compare

    result = compare("studies/nb201_front.py", ["tpe", "nsga2"], seeds=20, budget="100trials")
    print(result.table)
    result.report("report")
"""

from optunas.compare.amount import Amount
from optunas.compare.comparing import compare
from optunas.compare.comparison import Comparison
from optunas.compare.contestants import Contestant, Entry, SamplerChoice
from optunas.compare.trajectory import Trajectory

__all__ = [
    "Amount",
    "Comparison",
    "Contestant",
    "Entry",
    "SamplerChoice",
    "Trajectory",
    "compare",
]
