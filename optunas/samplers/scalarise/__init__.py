"""One number from several objectives, in ways that a user states, and what trials are worth by it.

One form a file. Each scores rows of values: a larger score is better, whatever the objectives'
directions. Of a row with a NaN or an infinity, or without a logarithm that is needed, the score is
``-inf``. ``stating`` reads the option ``scalarise`` of a study, ``fitness`` orders a population,
``lessons`` is what samplers that learn from scores learn from.
"""

from optunas.samplers.scalarise.chebyshev import Chebyshev
from optunas.samplers.scalarise.fitness import fitness, violation
from optunas.samplers.scalarise.form import Scalarisation
from optunas.samplers.scalarise.log_cost import LogCost
from optunas.samplers.scalarise.non_dominated import Pareto, crowding
from optunas.samplers.scalarise.stating import scalarisation, scalarisation_for
from optunas.samplers.scalarise.weights import Weights

__all__ = [
    "Chebyshev",
    "LogCost",
    "Pareto",
    "Scalarisation",
    "Weights",
    "crowding",
    "fitness",
    "scalarisation",
    "scalarisation_for",
    "violation",
]
