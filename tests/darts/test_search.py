"""The search: determinism, resume, halves that are never mixed, and what ends it."""

import json
import math
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
import torch
from plain_steps import DENSE, PAIR, blobs
from torch.utils.data import DataLoader, TensorDataset

from optunas.darts import SearchSettings, search
from optunas.darts.data import Halves
from optunas.darts.record import EpochRecord
from optunas.errors import DataError, InvalidSpaceError, InvalidSpecError, TrainingError
from optunas.space import DenseCellSpace, Float, HyperSpace, MacroSpace
from optunas.tasks import InMemoryTask, Part, loaders
from optunas.tasks.goals import Classes

TASK = blobs()
SMALL = SearchSettings(epochs=3, batch_size=8, channels=4, num_cells=1, partial=2, alpha_lr=0.05)
RUNS = [
    ("darts", 1, DENSE), ("darts", 2, DENSE), ("pc_darts", 1, PAIR), ("pc_darts", 2, DENSE),
    ("gdas", 1, DENSE), ("gdas", 1, PAIR), ("drnas", 1, DENSE), ("drnas", 2, DENSE),
]  # fmt: skip


def settings_of(name: str, order: int, space) -> SearchSettings:
    cells = 1 if space is DENSE else 3
    return replace(SMALL, variant=name, order=order, num_cells=cells, beta_decay=1.0)


@lru_cache
def whole(name: str, order: int, space):
    """The search that others are compared with, which was neither stopped nor changed."""
    torch.manual_seed(1)
    return search(space, TASK, settings_of(name, order, space), seed=3)


def timeless(found) -> list[str]:
    """The records without what a clock says."""
    return [str(replace(record, seconds=0.0)) for record in found.records]


def same(one, other) -> bool:
    """Equal bits of alphas, weights and records, wall time aside."""
    alphas = all(np.array_equal(one.alphas[k], other.alphas[k]) for k in one.alphas)
    mine, theirs = one.network.state_dict(), other.network.state_dict()
    weights = all(torch.equal(mine[k], theirs[k]) for k in mine)
    return alphas and weights and timeless(one) == timeless(other)


@pytest.mark.parametrize(("name", "order", "space"), RUNS)
def test_equal_seeds_give_equal_bits(name, order, space):
    settings = settings_of(name, order, space)
    torch.manual_seed(2)
    assert same(whole(name, order, space), search(space, TASK, settings, seed=3))
    other = search(space, TASK, settings, seed=4, on_epoch=lambda record: True)
    assert timeless(other)[0] != timeless(whole(name, order, space))[0]


class Stop(Exception):
    """A kill between two epochs."""


@pytest.mark.parametrize(("name", "order", "space"), RUNS)
def test_a_killed_search_goes_on_as_if_nothing_had_been(name, order, space, tmp_path):
    settings, path = settings_of(name, order, space), tmp_path / "search.pt"

    def kill(record: EpochRecord) -> None:
        if record.epoch == 1:
            raise Stop

    with pytest.raises(Stop):
        search(space, TASK, settings, seed=3, checkpoint=path, on_epoch=kill)
    resumed = search(space, TASK, settings, seed=3, checkpoint=path)
    assert len(resumed.records) == 3
    assert same(resumed, whole(name, order, space))


def test_the_callers_random_numbers_and_threads_stay():
    before, threads = torch.get_rng_state(), torch.get_num_threads()
    search(DENSE, TASK, SMALL)
    assert torch.equal(before, torch.get_rng_state())
    assert torch.get_num_threads() == threads


def test_the_halves_are_never_mixed():
    """Every sample carries its number: those of the weights never reach the alphas."""
    x = np.zeros((60, 1, 4, 4), np.float32)
    x[:, 0, 0, 0] = np.arange(60)
    y = (np.arange(60) % 3).astype(np.int64)
    parts = dict.fromkeys(("train", "validation", "test"), Part(x, y))
    task = InMemoryTask("numbered", parts, "accuracy", options={}, classes=(0, 1, 2))
    halves = Halves(task, 8, seed=0, device=torch.device("cpu"))
    seen: tuple[set[float], set[float]] = (set(), set())
    for epoch in range(4):
        epoch_seen: list[float] = []
        for pair in halves.pairs(epoch):
            for half, (images, _) in zip(seen, pair, strict=True):
                half.update(images[:, 0, 0, 0].tolist())
            epoch_seen += pair[0][0][:, 0, 0, 0].tolist()
        assert len(epoch_seen) == len(set(epoch_seen)) == 30  # each once an epoch
    assert len(seen[0]) == len(seen[1]) == 30
    assert not seen[0] & seen[1]
    judged = torch.cat([images[:, 0, 0, 0] for images, _ in halves.validation()])
    assert set(judged.tolist()) == seen[1]
    assert len(judged) == 30


def test_an_epoch_has_no_batch_of_one_and_none_twice():
    halves = Halves(blobs(34), 8, seed=0, device=torch.device("cpu"))  # halves of 17
    sizes = [len(train[0]) for train, _ in halves.pairs(0)]
    assert sizes == [8, 8]
    assert halves.steps() == 2


def loader_task(shuffle: bool = True, batches: int | None = None):
    part = blobs(33).part("train")
    data = TensorDataset(torch.from_numpy(part.x), torch.from_numpy(part.y))
    generator = torch.Generator().manual_seed(5)
    train = DataLoader(data, 8, shuffle=shuffle)
    held_out = DataLoader(data, 16, shuffle=shuffle, generator=generator)
    return loaders(Endless(train) if batches else train, held_out, num_classes=3)


class Endless:
    """A loader without a length."""

    def __init__(self, loader):
        self.loader = loader

    def __iter__(self):
        return iter(self.loader)


def test_loaders_shuffle_by_the_seed_resumed_or_not(tmp_path):
    path = tmp_path / "search.pt"

    def kill(record: EpochRecord) -> None:
        raise Stop

    torch.manual_seed(1)
    whole = search(DENSE, loader_task(), SMALL, seed=3)
    torch.manual_seed(2)
    with pytest.raises(Stop):
        search(DENSE, loader_task(), SMALL, seed=3, checkpoint=path, on_epoch=kill)
    assert same(whole, search(DENSE, loader_task(), SMALL, seed=3, checkpoint=path))
    assert whole.records[-1].entropy["cell"] < 1


def test_loaders_without_a_length_are_counted():
    halves = Halves(loader_task(batches=1), 8, seed=0, device=torch.device("cpu"))
    assert halves.steps() == 4  # 33 samples in batches of 8, a last one of 1 left out
    assert not halves.held_out
    assert len(list(halves.pairs(0))) == 4


def test_a_loss_that_is_not_finite_ends_the_search_and_keeps_the_last_good_state(tmp_path):
    path, calls = tmp_path / "search.pt", []

    class Poisoned(Classes):
        def loss(self, settings):
            plain = super().loss(settings)

            def value(outputs, y):
                calls.append(1)
                return plain(outputs, y) * (math.nan if len(calls) > 8 else 1.0)

            return value

    task = blobs()
    task.goal = Poisoned(3)
    with pytest.raises(TrainingError, match=r"in epoch 1.*after epoch 0 is the last good one"):
        search(DENSE, task, SMALL, checkpoint=path)
    assert list(tmp_path.iterdir()) == [path]
    kept = search(DENSE, blobs(), SMALL, checkpoint=path)
    assert [r.epoch for r in kept.records] == [0]
    assert "broke down in epoch 1" in kept.stopped
    good = search(DENSE, blobs(), SMALL, on_epoch=lambda record: True)
    assert same(kept, good)


def test_nan_without_a_checkpoint():
    with pytest.raises(TrainingError, match="There is no good state before it"):
        search(DENSE, TASK, replace(SMALL, lr=1e30, lr_min=0.0, grad_clip=1e30, epochs=2))


def test_the_caller_can_end_it(tmp_path):
    path = tmp_path / "search.pt"
    found = search(DENSE, TASK, SMALL, checkpoint=path, on_epoch=lambda r: r.epoch == 1)
    assert len(found.records) == 2
    assert found.stopped == "The caller ended it after epoch 1."
    assert same(found, search(DENSE, TASK, SMALL, checkpoint=path))


def test_records_go_through_json():
    found = search(DENSE, TASK, replace(SMALL, warmup_epochs=1, epochs=2))
    assert math.isnan(found.records[0].validation_loss)
    assert found.records[0].moved["cell"] < 1e-3
    for record in found.records:
        text = json.dumps(record.to_dict(), allow_nan=False)
        assert str(EpochRecord.from_dict(json.loads(text))) == str(record)
    np.testing.assert_array_equal(found.records[-1].alphas["cell"], found.alphas["cell"])


def test_weights_add_up_to_one():
    found = search(DENSE, TASK, SMALL)
    np.testing.assert_allclose(found.weights["cell"].sum(axis=1), 1.0, rtol=1e-6)
    assert found.epoch == 2
    assert not found.stopped


def test_checkpoints_of_another_search_are_refused(tmp_path):
    path = tmp_path / "search.pt"
    search(DENSE, TASK, replace(SMALL, epochs=1), checkpoint=path)
    with pytest.raises(InvalidSpecError, match="its epochs, seed differ"):
        search(DENSE, TASK, SMALL, seed=9, checkpoint=path)
    with pytest.raises(InvalidSpecError, match="its data differ"):
        search(DENSE, blobs(seed=1), replace(SMALL, epochs=1), checkpoint=path)
    path.write_bytes(b"nonsense")
    with pytest.raises(InvalidSpecError, match="cannot be read"):
        search(DENSE, TASK, SMALL, checkpoint=path)
    with pytest.raises(InvalidSpecError, match="cannot be written"):
        search(DENSE, TASK, SMALL, checkpoint=tmp_path / "nowhere" / "search.pt")


def test_wrong_spaces_tasks_seeds_and_data():
    with pytest.raises(InvalidSpaceError, match="more is free: the depth"):
        search(MacroSpace(), TASK, SMALL)
    with pytest.raises(InvalidSpaceError, match="got a HyperSpace"):
        search(HyperSpace(lr=Float(0.1, 1.0)), TASK, SMALL)
    with pytest.raises(InvalidSpaceError, match="give it at least two"):
        search(DenseCellSpace(("nor_conv_3x3",)), TASK, SMALL)
    with pytest.raises(InvalidSpecError, match="got a str"):
        search(DENSE, "digits", SMALL)
    with pytest.raises(InvalidSpecError, match="seed must be a whole number"):
        search(DENSE, TASK, SMALL, seed=-1)
    with pytest.raises(
        InvalidSpecError, match=r"must be a SearchSettings\(...\) or None, got a dict"
    ):
        search(DENSE, TASK, {"epochs": 1})
    with pytest.raises(InvalidSpecError, match="on_epoch must be a function of an EpochRecord"):
        search(DENSE, TASK, SMALL, on_epoch=3)
    with pytest.raises(DataError, match="has 3 samples, too few to split"):
        search(DENSE, blobs(3), SMALL)
    with pytest.raises(DataError, match="has only 1 of 5 samples"):
        search(DENSE, blobs(5), SMALL)
