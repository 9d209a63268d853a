import itertools
import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from optunas.errors import DeviceError, InvalidSpecError, TrainingError
from optunas.train import TrainSettings, fit
from optunas.train import loop as training
from optunas.train.settings import OPTIMIZERS, SCHEDULES

X = torch.randn(96, 1, 6, 6, generator=torch.Generator().manual_seed(0))
Y = (X.mean(dim=(1, 2, 3)) > 0).long() + 2 * (X[:, 0, 0, 0] > 0).long()


def network(dropout: float = 0.2) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(
            nn.Conv2d(1, 8, 3, padding=1),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Flatten(),
            nn.Linear(288, 4),
        )


def batches(epoch, generator):
    return [(X[i], Y[i]) for i in torch.randperm(len(X), generator=generator).split(32)]


def accuracy(net: nn.Module) -> float:
    return float((net(X).argmax(1) == Y).float().mean())


def train(settings=None, net=None, score=accuracy, data=batches, loss=F.cross_entropy, **options):
    settings = settings or TrainSettings(epochs=3, lr=0.05)
    return fit(net or network(), data, score, loss, settings, **options)


def test_it_learns_and_counts_from_zero():
    epochs = list(train(TrainSettings(epochs=8, lr=0.05)))
    assert [epoch.step for epoch in epochs] == list(range(8))
    assert epochs[-1].score > 0.8 > epochs[0].score
    assert epochs[-1].loss < epochs[0].loss
    assert all(epoch.seconds > 0 for epoch in epochs)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_equal_seeds_give_equal_bits_whatever_torchs_seed_is(optimizer, schedule):
    settings = TrainSettings(epochs=2, optimizer=optimizer, schedule=schedule, lr=0.01)
    runs, weights = [], []
    for global_seed in (1, 2):
        torch.manual_seed(global_seed)
        net = network()
        runs.append([(epoch.score, epoch.loss) for epoch in train(settings, net, seed=5)])
        weights.append(torch.cat([p.detach().flatten() for p in net.parameters()]))
    assert runs[0] == runs[1]
    assert torch.equal(*weights)


def test_another_seed_gives_another_run():
    first, second = ([epoch.loss for epoch in train(seed=seed)] for seed in (0, 1))
    assert first != second


def test_the_callers_random_numbers_go_on_between_epochs():
    torch.manual_seed(3)
    expected = [torch.rand(2).tolist() for _ in range(3)]
    torch.manual_seed(3)
    drawn = [torch.rand(2).tolist() for _ in train()]
    assert drawn == expected


def test_what_the_caller_draws_between_epochs_changes_nothing():
    plain = [epoch.loss for epoch in train()]
    disturbed = [epoch.loss for epoch in train() if torch.rand(1) < 2]
    assert plain == disturbed


def test_threads_are_set_while_training_and_the_callers_at_each_yield():
    before, seen = torch.get_num_threads(), []

    def score(net):
        seen.append(torch.get_num_threads())
        return accuracy(net)

    wanted = before + 1
    outside = [torch.get_num_threads() for _ in train(score=score, threads=wanted)]
    assert seen == [wanted] * 3
    assert outside == [before] * 3
    assert torch.get_num_threads() == before


def test_threads_are_put_back_after_an_error():
    before = torch.get_num_threads()
    with pytest.raises(TrainingError, match="score"):
        list(train(score=lambda net: math.nan, threads=before + 1))
    assert torch.get_num_threads() == before


def test_it_equals_a_bare_loop():
    settings = TrainSettings(epochs=3, lr=0.05, channels_last="off", label_smoothing=0.1)
    smooth = nn.CrossEntropyLoss(label_smoothing=0.1)
    ours = [epoch.loss for epoch in train(settings, network(0.0), loss=smooth, seed=4)]
    net, generator = network(0.0), torch.Generator().manual_seed(4)
    optimizer = torch.optim.SGD(
        net.parameters(), lr=0.05, momentum=0.9, nesterov=True, weight_decay=3e-4
    )
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 9)
    bare = []
    for epoch in range(3):
        net.train()
        losses = []
        for x, y in batches(epoch, generator):
            loss = smooth(net(x), y)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 5.0)
            optimizer.step()
            scheduler.step()
            losses.append(loss.item())
        bare.append(sum(losses) / 3)
    assert ours == pytest.approx(bare, rel=1e-5)


def test_channels_last_changes_the_layout_not_the_result():
    runs = [
        [e.loss for e in train(TrainSettings(epochs=3, channels_last=switch), network(0.0))]
        for switch in ("on", "off")
    ]
    assert runs[0] == pytest.approx(runs[1], rel=1e-4)


def test_gradients_are_clipped():
    net, settings = network(0.0), TrainSettings(epochs=1, lr=1.0, momentum=0.0, grad_clip=1e-3)
    before = torch.cat([p.detach().flatten().clone() for p in net.parameters()])
    list(train(settings, net, data=lambda epoch, generator: [(X, Y)]))
    after = torch.cat([p.detach().flatten() for p in net.parameters()])
    decay = 3e-4 * before.norm()
    assert 0 < (after - before).norm() <= 1e-3 + decay + 1e-6


def test_batches_without_a_length_are_fine():
    lengthless = [epoch.score for epoch in train(data=lambda e, g: iter(batches(e, g)))]
    assert len(lengthless) == 3


@pytest.mark.parametrize(
    ("maximize", "values"), [(True, [3, 4, 4, 1, 9]), (False, [4, 3, 3, 5, 0])]
)
def test_patience_ends_a_plateau(maximize, values):
    scores = iter(values)
    settings = TrainSettings(epochs=5, patience=2)
    epochs = list(train(settings, score=lambda net: next(scores), maximize=maximize))
    assert [epoch.score for epoch in epochs] == values[:4]


@pytest.mark.parametrize(("keep", "kept"), [("best", 1), ("last", 3)])
def test_the_weights_of_the_wanted_epoch_stay(keep, kept):
    values, seen, net = iter([1, 5, 2, 3]), [], network()

    def score(scored):
        seen.append(scored[5].weight.detach().clone())
        return next(values)

    list(train(TrainSettings(epochs=4, keep=keep), net, score=score))
    assert torch.equal(net[5].weight, seen[kept])


def test_a_loss_that_is_not_finite_ends_in_a_sentence():
    with pytest.raises(TrainingError, match=r"loss became nan in epoch 0 \(.*lr 0.05\): lower lr"):
        list(train(loss=lambda out, y: F.cross_entropy(out, y) * torch.nan))


def test_a_diverging_run_ends_in_a_sentence():
    settings = TrainSettings(epochs=50, lr=1e18, grad_clip=None, schedule="constant")
    with pytest.raises(TrainingError, match="lower lr or set grad_clip"):
        list(train(settings, nn.Sequential(nn.Flatten(), nn.Linear(36, 4), nn.Linear(4, 4))))


def test_a_score_that_is_not_finite_ends_in_a_sentence():
    with pytest.raises(TrainingError, match="validation score became inf in epoch 0"):
        list(train(score=lambda net: math.inf))


def test_no_batches_end_in_a_sentence():
    with pytest.raises(TrainingError, match="no training batches"):
        list(train(data=lambda epoch, generator: []))


def test_a_network_without_weights_is_refused():
    with pytest.raises(TrainingError, match="no weights"):
        train(net=nn.Flatten())


def test_wrong_arguments_are_refused_before_anything_is_iterated():
    with pytest.raises(InvalidSpecError, match="threads must be at least 1"):
        train(threads=0)
    with pytest.raises(DeviceError, match="Unknown device 'tpu7'"):
        train(device="tpu7")


def test_the_network_is_scored_in_eval_mode_without_gradients():
    states = []

    def score(net):
        states.append((net.training, torch.is_grad_enabled()))
        return 0.0

    list(itertools.islice(train(score=score), 2))
    assert states == [(False, False)] * 2


def rates_of(monkeypatch, data=batches, **settings) -> list[float]:
    """The learning rate of each step."""
    found, really = [], training.make_optimizer

    def watched(parameters, settings):
        optimizer = really(parameters, settings)
        optimizer.register_step_pre_hook(lambda o, *rest: found.append(o.param_groups[0]["lr"]))
        return optimizer

    with monkeypatch.context() as patch:
        patch.setattr(training, "make_optimizer", watched)
        list(train(TrainSettings(epochs=4, lr=0.5, **settings), data=data))
    return found


def test_warmup_grows_linearly_to_the_schedule(monkeypatch):
    settings = {"schedule": "constant", "warmup_epochs": 2}
    assert rates_of(monkeypatch, **settings) == pytest.approx(
        [0.5 * min(step / 6, 1) for step in range(1, 13)]
    )


def test_warmup_may_be_a_part_of_an_epoch(monkeypatch):
    plain = rates_of(monkeypatch)
    warm = rates_of(monkeypatch, warmup_epochs=2 / 3)
    assert warm == pytest.approx([plain[0] / 2, *plain[1:]])


def test_warmup_of_a_stream_counts_the_first_epoch_whole(monkeypatch):
    settings = {"schedule": "constant", "warmup_epochs": 2}
    rates = rates_of(monkeypatch, data=lambda e, g: iter(batches(e, g)), **settings)
    assert rates == pytest.approx([0.25] * 3 + [0.5 * step / 6 for step in (4, 5, 6)] + [0.5] * 6)


def test_mixed_precision_trains_too():
    settings = TrainSettings(epochs=8, lr=0.05, mixed_precision="on")
    assert list(train(settings))[-1].score > 0.8


def test_a_batch_of_one_before_a_batch_norm_is_told_in_a_sentence():
    net = nn.Sequential(nn.Flatten(), nn.Linear(36, 4), nn.BatchNorm1d(4))
    with pytest.raises(TrainingError, match="batch_size of at least 2"):
        list(train(net=net, data=lambda epoch, generator: [(X[:1], Y[:1])]))


def test_other_errors_of_a_network_stay_as_they_are():
    class Broken(nn.Linear):
        def forward(self, x):
            raise ValueError("of my own")

    with pytest.raises(ValueError, match="of my own"):
        list(train(net=Broken(2, 2), data=lambda epoch, generator: [(X[:1], Y[:1])]))
