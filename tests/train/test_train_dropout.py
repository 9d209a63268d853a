import copy
import io
import pickle

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from optunas.errors import TrainingError
from optunas.train import TrainSettings, fit
from optunas.train.input_dropout import InputDropout

X = torch.randn(64, 1, 4, 4, generator=torch.Generator().manual_seed(0))
Y = (X.mean(dim=(1, 2, 3)) > 0).long()


class Keeping(nn.Linear):
    """Keeps its inputs, by mode."""

    def forward(self, x):
        seen.append((self.training, x.detach()))
        return super().forward(x)


seen: list[tuple[bool, torch.Tensor]] = []


def network(inner: float = 0.0) -> nn.Sequential:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(
            nn.Flatten(), nn.Linear(16, 32), nn.Sigmoid(), nn.Dropout(inner), Keeping(32, 2)
        )


def train(net, dropout, epochs=2, seed=0):
    seen.clear()
    settings = TrainSettings(epochs=epochs, dropout=dropout, lr=0.05)
    return fit(net, lambda e, g: [(X, Y)], score, F.cross_entropy, settings, seed=seed)


def score(net) -> float:
    return float((net(X).argmax(1) == Y).float().mean())


def hooks(net) -> list[object]:
    return [hook for module in net.modules() for hook in module._forward_pre_hooks.values()]


def test_the_share_of_the_classifiers_inputs_is_zero_in_training_alone():
    list(train(network(), 0.25))
    assert [training for training, _ in seen] == [True, False, True, False]
    for training, inputs in seen:
        zeros = (inputs == 0).float().mean().item()
        assert zeros == pytest.approx(0.25 if training else 0.0, abs=0.03)


def test_what_is_kept_is_scaled_up():
    list(train(network(), 0.5, epochs=1))
    plain = network()[:3](X)
    kept = seen[0][1] != 0
    assert torch.allclose(seen[0][1][kept], 2 * plain[kept])


def test_no_dropout_is_no_hook_and_the_same_run():
    runs = []
    for dropout in (0.0, 0.0, 0.4):
        net = network()
        runs.append([epoch.loss for epoch in train(net, dropout)])
    assert runs[0] == runs[1] != runs[2]


def test_the_networks_own_dropout_stays():
    list(train(network(inner=0.5), 0.5, epochs=1))
    assert (seen[0][1] == 0).float().mean().item() == pytest.approx(0.75, abs=0.03)


def test_equal_seeds_drop_alike():
    weights = []
    for seed in (3, 3, 4):
        net = network()
        list(train(net, 0.3, seed=seed))
        weights.append(net[4].weight.detach())
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_between_epochs_and_after_an_abandoned_run_the_network_has_no_hook():
    net = network()
    run = train(net, 0.3, epochs=5)
    next(run)
    assert hooks(net) == []
    pickle.dumps(net)
    next(run)
    del run
    assert hooks(net) == []


def test_an_error_leaves_no_hook():
    net = network()
    run = fit(
        net,
        lambda e, g: [(X, Y)],
        score,
        lambda out, y: F.cross_entropy(out, y) * torch.nan,
        TrainSettings(dropout=0.3),
    )
    with pytest.raises(TrainingError, match="loss became nan"):
        next(run)
    assert hooks(net) == []


def test_the_trained_network_is_what_it_would_be_without():
    net = network()
    names = list(net.state_dict())
    list(train(net, 0.3))
    assert list(net.state_dict()) == names
    assert vars(net[4]).keys() == vars(network()[4]).keys()
    for again in (pickle.loads(pickle.dumps(net)), copy.deepcopy(net), saved(net)):
        assert torch.equal(again(X), net(X))
        again.train()
        assert torch.equal(again(X), again(X))


def saved(net):
    file = io.BytesIO()
    torch.save(net, file)
    file.seek(0)
    return torch.load(file, weights_only=False)


def test_a_network_without_a_linear_layer_is_refused_before_training():
    net = nn.Sequential(nn.Conv2d(1, 2, 4), nn.Flatten())
    with pytest.raises(TrainingError, match=r"dropout=0.2 .*last nn.Linear, and it has none"):
        train(net, 0.2)
    assert len(list(train(net, 0.0))) == 2


class Idle(nn.Module):
    """Its linear layer's weights are used past the layer, so that no hook sees it."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(16, 2)

    def forward(self, x):
        return F.linear(x.flatten(1), self.linear.weight)


def test_a_layer_that_is_never_called_is_named():
    net = Idle()
    with pytest.raises(TrainingError, match=r"dropout=0.2 has no effect.*never called"):
        list(train(net, 0.2))
    assert hooks(net) == []


def test_the_last_linear_layer_is_the_one():
    net = nn.Sequential(nn.Linear(2, 3), nn.Sequential(nn.Linear(3, 4), nn.ReLU()))
    with InputDropout(net, 0.5).active():
        assert len(net[1][0]._forward_pre_hooks) == 1
        assert not net[0]._forward_pre_hooks
        net(torch.ones(1, 2))
    assert hooks(net) == []
