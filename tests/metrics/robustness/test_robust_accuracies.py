"""The robustness metrics of a trained network on real data, and what tasks refuse."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import optunas
from optunas.errors import DeviceError, InvalidSpecError, UnknownNameError
from optunas.measures import METRICS, ROBUSTNESS
from optunas.metrics import RobustnessBudget, robust_accuracies, robustness_report
from optunas.metrics.robustness import check_robustness, draw_subset
from optunas.tasks import arrays, digits


@pytest.fixture(scope="module")
def trained() -> tuple[nn.Module, Any]:
    task = digits()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = nn.Sequential(
            *(nn.Conv2d(1, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten()),
            nn.Linear(8 * 16, 10),
        )
    scores = list(task.scores(network, {"epochs": 4, "lr": 0.1}))
    assert scores[-1].score > 0.9
    return network.train(), task


def test_metrics_are_shares_and_attacks_are_worse(trained: tuple[nn.Module, Any]) -> None:
    network, task = trained
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    values = robust_accuracies(network, task)
    assert tuple(values) == ROBUSTNESS
    assert all(0 < value < 1 for value in values.values())
    assert values["accuracy_pgd"] <= values["accuracy_fgsm"] < values["accuracy_noise"]
    assert network.training
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())
    assert all(METRICS[name].maximize and not METRICS[name].cheap for name in values)


def test_no_budget_is_clean_accuracy(trained: tuple[nn.Module, Any]) -> None:
    network, task = trained
    budget = RobustnessBudget(noise_std=0, eps=0, samples=10**6)
    names = ("accuracy_noise", "accuracy_fgsm", "accuracy_pgd")
    values = robust_accuracies(network, task, names, budget)
    network.eval()
    with torch.no_grad():
        x, y = task.tensors("validation", torch.device("cpu"))
        clean = (network(x).argmax(1) == y).float().mean().item()
    network.train()
    assert values == pytest.approx(dict.fromkeys(names, clean))


def test_equal_seeds_equal_values(trained: tuple[nn.Module, Any]) -> None:
    network, task = trained
    budget = RobustnessBudget(samples=64, noise_std=0.4, severities=(5,))
    names = ("accuracy_corrupted", "accuracy_pgd", "accuracy_noise")
    first = robust_accuracies(network, task, names, budget)
    torch.manual_seed(99)
    # Neither torch's own numbers nor what is measured before count.
    assert robust_accuracies(network, task, names[::-1], budget) == first


def test_larger_budgets_are_no_easier(trained: tuple[nn.Module, Any]) -> None:
    network, task = trained
    found = [
        robust_accuracies(
            network, task, ("accuracy_pgd",), RobustnessBudget(eps=e, step_size=e / 4)
        )
        for e in (0.0, 0.05, 0.1, 0.3)
    ]
    values = [one["accuracy_pgd"] for one in found]
    assert values == sorted(values, reverse=True)
    assert values[-1] < 0.2


def test_the_range_is_that_of_the_data_in_the_networks_space() -> None:
    task = digits()
    subset = draw_subset(task, samples=50)
    assert subset.x.shape == (50, 1, 8, 8)
    mean, std = task.input_mean[0], task.input_std[0]
    assert subset.low.item() == pytest.approx((0 - mean) / std)
    assert subset.high.item() == pytest.approx((16 - mean) / std)


def test_bytes_have_their_whole_range(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x = rng.integers(20, 90, (60, 6, 6, 3)).astype(np.uint8)
    np.savez(tmp_path / "bytes.npz", x=x, y=np.arange(60) % 2)
    task = arrays(str(tmp_path / "bytes.npz"))
    subset = draw_subset(task)
    raw = subset.high * torch.tensor(task.input_std).reshape(3, 1, 1)
    raw += torch.tensor(task.input_mean).reshape(3, 1, 1)
    torch.testing.assert_close(raw, torch.full((3, 1, 1), 255.0), rtol=1e-4, atol=1e-3)
    assert (subset.x >= subset.low).all()
    assert (subset.x <= subset.high).all()


def test_a_subset_is_drawn_evenly_and_by_its_seed() -> None:
    task = digits()
    rows = [draw_subset(task, samples=40, seed=seed).y for seed in (0, 0, 1)]
    assert torch.equal(rows[0], rows[1])
    assert not torch.equal(rows[0], rows[2])
    whole = draw_subset(task, samples=10**6)
    x, y = task.tensors("validation", torch.device("cpu"))
    assert torch.equal(whole.x, x)
    assert torch.equal(whole.y, y)


def test_loaders_are_measured_too() -> None:
    x, y = torch.rand(40, 1, 4, 4), torch.arange(40) % 2
    batches = [(x[i : i + 10], y[i : i + 10]) for i in range(0, 40, 10)]
    task = optunas.tasks.loaders(batches, batches, num_classes=2)
    network = nn.Sequential(nn.Flatten(), nn.Linear(16, 2))
    values = robust_accuracies(network, task, budget=RobustnessBudget(samples=7))
    assert set(values) == set(ROBUSTNESS)
    subset = draw_subset(task, samples=5)
    assert len(subset.y) == 5
    assert subset.low.item() == subset.x.min()


def vectors(path: Path, kind: str) -> Any:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 5))
    y = (x[:, 0] > 0).astype(int) if kind == "classification" else x[:, 0]
    np.savez(path / "v.npz", x=x, y=y)
    return arrays(str(path / "v.npz"), kind=kind)


def test_vectors_have_noise_alone(tmp_path: Path) -> None:
    task = vectors(tmp_path, "classification")
    values = robust_accuracies(nn.Linear(5, 2), task, ("accuracy_noise",))
    assert 0 <= values["accuracy_noise"] <= 1
    report = robustness_report(nn.Linear(5, 2), task)
    assert [row[0] for row in report.rows] == ["clean", "Gaussian noise"]
    with pytest.raises(InvalidSpecError, match=r"vectors of 5 features.*only accuracy_noise"):
        check_robustness(task, ROBUSTNESS)


def test_tasks_without_classes_or_networks_refuse(tmp_path: Path) -> None:
    with pytest.raises(InvalidSpecError, match="is a regression"):
        check_robustness(vectors(tmp_path, "regression"), ("accuracy_noise",))

    class Table:
        name, input_shape, kind = "table", None, "classification"

    with pytest.raises(InvalidSpecError, match="trains no network"):
        check_robustness(Table(), ("accuracy_fgsm",))
    with pytest.raises(UnknownNameError, match="did you mean 'accuracy_fgsm'"):
        check_robustness(digits(), ("accuracy_fgms",))
    assert check_robustness(Table(), ()) is None


def test_a_device_that_is_not_there_is_told() -> None:
    with pytest.raises(DeviceError, match="'cuda:99' is not there"):
        robust_accuracies(nn.Flatten(), digits(), device="cuda:99")


def test_wrong_budgets_are_told_at_once() -> None:
    with pytest.raises(InvalidSpecError, match=r"eps must be.*\n.*steps must be.*\n.*severities"):
        RobustnessBudget(eps=-1, steps=0, severities=(6,))
    for severities in (3, (), "5"):
        with pytest.raises(InvalidSpecError, match="severities must be some of 1 to 5, got"):
            RobustnessBudget(severities=severities)  # type: ignore[arg-type]


def test_the_report_is_a_table(trained: tuple[nn.Module, Any]) -> None:
    network, task = trained
    report = robustness_report(network, task, RobustnessBudget(samples=50, severities=(1, 5)))
    text = str(report)
    assert report.samples == 50
    assert [row[0] for row in report.rows][:3] == ["clean", "Gaussian noise", "gaussian_noise"]
    assert "| FGSM | eps 0.03137 of the range |" in text
    assert "50 samples of the test data." in text
    assert text.count("\n") == len(report.rows) + 3
