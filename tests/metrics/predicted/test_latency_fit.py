"""Fits find what is known to be true, and say how good they are on networks not fitted to."""

from __future__ import annotations

import math

import numpy as np
import pytest
from latency_cases import DEVICE, QUESTION, known, truth
from scipy.stats import spearmanr

from optunas import (
    OFA_MOBILENET_V3,
    Choice,
    DenseCellSpace,
    Float,
    HyperSpace,
    JointSpace,
)
from optunas.errors import InvalidSpecError
from optunas.metrics.predicted import Question, fit_model
from optunas.metrics.predicted.agreement import (
    Agreement,
    Report,
    agreement,
    rank_correlation,
    straight_line,
)
from optunas.metrics.predicted.design import design_of
from optunas.metrics.predicted.prices import Recipe, _ridge, fit_prices
from optunas.metrics.predicted.sampling import choose_networks
from optunas.metrics.predicted.selection import choose_recipe, predicted, recipes, rows


def test_a_linear_device_is_found_from_thirty_networks() -> None:
    fit, held = known()
    found = fit_model(QUESTION, fit, held, DEVICE)
    assert found.report is not None
    assert found.report.networks == 20
    assert found.report.model.rho > 0.995
    assert found.report.model.within == 1.0
    assert found.report.model.r2 > 0.99
    assert found.report.flops.rho < found.report.model.rho
    assert found.report.table is None
    assert found.fitted == 30


def test_readings_that_are_far_too_long_do_little_harm() -> None:
    fit, held = known(60)
    spoilt = [(m, 5 * ms if at % 12 == 0 else ms) for at, (m, ms) in enumerate(fit)]
    found = fit_model(QUESTION, spoilt, held, DEVICE).report
    assert found is not None
    assert found.model.rho > 0.98
    assert found.model.within > 0.9


def test_a_device_that_drops_unused_operations_is_recognised() -> None:
    fit, held = known(40, used=True)
    found = fit_model(QUESTION, fit, held, DEVICE)
    assert found.prices.used
    assert "whose output is used" in found.recipe
    assert found.report is not None
    assert found.report.model.rho > 0.99
    assert not fit_model(QUESTION, *known(40), DEVICE).prices.used


def test_the_report_is_of_the_held_out_networks_alone() -> None:
    fit, held = known()
    worse = [(member, ms * (2 if at % 2 else 1)) for at, (member, ms) in enumerate(held)]
    good, bad = (fit_model(QUESTION, fit, part, DEVICE) for part in (held, worse))
    assert good.prices == bad.prices
    assert good.report is not None
    assert bad.report is not None
    assert bad.report.model.within <= 0.5 < good.report.model.within
    assert fit_model(QUESTION, fit, [], DEVICE).report is None


def test_a_table_of_single_operations_helps_where_networks_are_few() -> None:
    """Many sorts of terms, few networks: the table knows what the networks cannot tell apart."""
    question = Question(OFA_MOBILENET_V3, (3, 32, 32), 10)
    rng = np.random.default_rng(0)
    chosen = choose_networks(question, 15, 20)
    prices: dict[str, float] = {}

    def cost(member: object) -> float:
        total = 0.5
        for one in question.counted(member):
            key = one.term.key
            prices.setdefault(key, float(rng.uniform(0.01, 0.1)))
            total += one.times * prices[key]
        return total

    parts = [[(member, cost(member)) for member in part] for part in chosen]
    table = {key: 1.3 * ms for key, ms in prices.items()}  # alone they are slower
    with_table = fit_model(question, *parts, DEVICE, table)
    without = fit_model(question, *parts, DEVICE)
    assert with_table.report is not None
    assert without.report is not None
    assert with_table.report.model.rho > 0.98 > without.report.model.rho
    assert with_table.report.table is not None
    assert with_table.report.table.within < with_table.report.model.within
    assert with_table.recipe.startswith("the table of operations")


def test_the_recipe_is_chosen_without_the_held_out_networks() -> None:
    fit, _ = known(40)
    design = design_of([QUESTION.network(member) for member, _ in fit])
    ms = np.array([ms for _, ms in fit])
    recipe, error = choose_recipe(design, ms)
    assert recipe in recipes(design)
    assert error < 0.02
    assert (recipe, error) == choose_recipe(design, ms)
    looser = fit_prices(design, ms, recipe)
    assert np.abs(predicted(looser, rows(design, np.arange(5))) / ms[:5] - 1).max() < 0.05


def test_prices_add_up_to_the_prediction() -> None:
    fit, _ = known(40)
    design = design_of([QUESTION.network(member) for member, _ in fit])
    prices = fit_prices(design, np.array([ms for _, ms in fit]), Recipe(name=1e-3, key=1e-3))
    one = QUESTION.network(fit[0][0])
    summed = prices.constant + sum(n * prices.price(term) for term, (n, _) in one.terms.items())
    assert predicted(prices, design)[0] == pytest.approx(summed)


@pytest.mark.parametrize("shape", [(40, 7), (7, 40)])
def test_both_forms_of_the_ridge_are_the_minimum(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=shape), rng.normal(size=shape[0])
    stiff = rng.uniform(0.1, 1.0, shape[1])
    found = _ridge(a, b, stiff)
    # The slow and obvious way: ridge as more rows.
    more = np.vstack([a, np.diag(np.sqrt(stiff * shape[0]))])
    wanted = np.linalg.lstsq(more, np.concatenate([b, np.zeros(shape[1])]), rcond=None)[0]
    np.testing.assert_allclose(found, wanted, atol=1e-10)


def test_measures_of_agreement() -> None:
    found = agreement([1.0, 2.0, 3.3], [1.0, 2.5, 3.0])
    assert found.rho == 1.0
    assert found.within == pytest.approx(2 / 3)
    assert found.error == pytest.approx((0 + 0.2 + 0.1) / 3)
    assert found.r2 == pytest.approx(1 - (0.25 + 0.09) / np.var([1, 2.5, 3]) / 3)
    a, b = [1.0, 2.0, 2.0, 5.0], [3.0, 1.0, 4.0, 4.0]
    assert rank_correlation(a, b) == pytest.approx(spearmanr(a, b)[0])
    assert math.isnan(rank_correlation([1.0, 1.0], [1.0, 2.0]))
    assert straight_line([1, 2, 3], [3, 5, 7]) == pytest.approx((2, 1))
    assert straight_line([1, 1], [3, 5]) == (0.0, 4.0)


def test_a_report_is_stored_without_nan() -> None:
    nan = float("nan")
    report = Report(5, Agreement(nan, 1.0, nan, 0.0), Agreement(0.5, 0.4, 0.3, 0.2), None, nan)
    body = report.to_dict()
    assert body["model"]["rho"] is None
    assert body["repeat"] is None
    again = Report.from_dict(body)
    assert math.isnan(again.model.rho)
    assert again.flops == report.flops


@pytest.mark.parametrize(
    ("fit", "held", "said"),
    [
        (9, 20, "at least 10 measured networks, got 9; measure more"),
        (30, 4, r"at least 5 held-out networks \(or none\), got 4"),
    ],
)
def test_too_few_measurements(fit: int, held: int, said: str) -> None:
    first, second = known()
    with pytest.raises(InvalidSpecError, match=said):
        fit_model(QUESTION, first[:fit], second[:held], DEVICE)


@pytest.mark.parametrize("ms", [0.0, -1.0, float("nan"), float("inf")])
def test_times_are_positive(ms: float) -> None:
    fit, held = known()
    with pytest.raises(InvalidSpecError, match="milliseconds must be positive numbers, got"):
        fit_model(QUESTION, [*fit, (fit[0][0], ms)], held, DEVICE)


def test_networks_to_measure_cover_the_operations_and_do_not_overlap() -> None:
    chosen = choose_networks(QUESTION, 20, 15, seed=4)
    space = QUESTION.space
    digests = [space.digest(member) for part in chosen for member in part]
    assert len(set(digests)) == len(digests) == 35
    assert all(space.is_connected(member) for part in chosen for member in part)
    assert chosen == choose_networks(QUESTION, 20, 15, seed=4)
    assert chosen != choose_networks(QUESTION, 20, 15, seed=5)
    ms = [truth(QUESTION, member) for member in chosen.fit]
    spread = [truth(QUESTION, member) for member in chosen.held_out]
    assert np.std(ms) > 1.2 * np.std(spread)  # extremes among them


def test_no_network_is_measured_twice_for_another_learning_rate() -> None:
    cells = DenseCellSpace(["none", "skip_connect", "nor_conv_3x3"], num_nodes=3)
    training = HyperSpace(lr=Float(0.01, 0.3, log=True), channels=Choice((4, 8)))
    question = Question(JointSpace(cell=cells, train=training), (3, 8, 8), 5)
    chosen = choose_networks(question, 12, 8)
    networks = [(cells.digest(m["cell"]), m["train"]["channels"]) for part in chosen for m in part]
    assert len(set(networks)) == len(networks) == 20
    with pytest.raises(InvalidSpecError, match="different networks that see their input, fewer"):
        choose_networks(question, 60, 50)


@pytest.mark.parametrize("seed", range(4))
def test_networks_to_measure_tell_whether_unused_operations_are_left_out(seed: int) -> None:
    """One random cell in ten has an operation whose output goes nowhere: too few of twenty."""
    chosen = choose_networks(QUESTION, 20, 0, seed=seed)
    design = design_of([QUESTION.network(member) for member in chosen.fit])
    assert ((design.built - design.used).sum(axis=1) > 0).sum() >= 4


def test_spaces_with_too_few_networks_or_none() -> None:
    from optunas import ElasticSpace, JointSpace

    small = ElasticSpace(widths=(4, 8), strides=(1, 2), depths=(1, 2), kernels=3, expansions=1)
    with pytest.raises(InvalidSpecError, match="has 4 different networks that see their input"):
        choose_networks(Question(small, (3, 8, 8), 2), 10, 2)
    with pytest.raises(InvalidSpecError, match="The space holds hyperparameters alone"):
        Question(HyperSpace(lr=Float(0.1, 1.0)), (3, 8, 8), 2)

    class Own(HyperSpace):
        def num_architectures(self) -> int:
            return 1

        def build(self, *arguments: object) -> None: ...

    with pytest.raises(InvalidSpecError, match="builds its own networks, whose layers are not"):
        Question(JointSpace(a=Own(width=Choice((1, 2)))), (3, 8, 8), 2)
