import pytest
import torch
from torch import nn
from torch.nn import functional as F

from optunas.errors import TrainingError
from optunas.train import TrainSettings, fit
from optunas.train.augment import Augmentation, crop, cutout, flip
from optunas.train.settings import AUGMENTATIONS

CPU = torch.device("cpu")
CHANGES = {"crop": crop, "flip": flip, "cutout": cutout}
SHAPES = [(2, 8, 8), (1, 28, 28), (3, 32, 32), (2, 5, 9), (1, 1, 12), (1, 12, 1), (4, 1, 1)]


def images(n: int, shape: tuple[int, ...], seed: int = 0) -> torch.Tensor:
    """Images without a zero, so that what was put in can be told."""
    return torch.rand((n, *shape), generator=torch.Generator().manual_seed(seed)) + 1


def applied(name: str, x: torch.Tensor, seed: int = 1) -> torch.Tensor:
    return CHANGES[name](x, torch.Generator().manual_seed(seed))


def moved(image: torch.Tensor, down: int, right: int, top: int, left: int) -> torch.Tensor:
    """The obvious crop of one image."""
    channels, height, width = image.shape
    wide = torch.zeros(channels, height + 2 * top, width + 2 * left)
    wide[:, top : top + height, left : left + width] = image
    return wide[:, down : down + height, right : right + width]


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("shape", SHAPES)
def test_shape_and_type_stay_and_the_batch_is_left_alone(name, shape):
    x = images(6, shape)
    before = x.clone()
    changed = applied(name, x)
    assert changed.shape == x.shape
    assert changed.dtype == x.dtype
    assert torch.equal(x, before)


@pytest.mark.parametrize(
    ("shape", "top", "left"),
    [((2, 8, 8), 1, 1), ((1, 28, 28), 3, 3), ((3, 32, 32), 4, 4), ((1, 5, 16), 1, 2)],
)
def test_a_crop_is_one_of_all_windows_and_each_occurs(shape, top, left):
    x, n = images(1, shape), 4000
    cropped = applied("crop", x.expand(n, -1, -1, -1))
    places = [(d, r) for d in range(2 * top + 1) for r in range(2 * left + 1)]
    windows = torch.stack([moved(x[0], d, r, top, left) for d, r in places])
    same = (cropped[:, None] == windows[None]).flatten(2).all(2)  # (n, places)
    assert (same.sum(1) == 1).all()
    expected = n / len(places)
    assert same.sum(0).min() > 0.4 * expected
    assert same.sum(0).max() < 1.8 * expected


@pytest.mark.parametrize(("shape", "axis"), [((1, 1, 12), 2), ((1, 12, 1), 3), ((4, 1, 1), None)])
def test_along_a_single_pixel_nothing_moves(shape, axis):
    cropped = applied("crop", images(50, shape))
    lost = (cropped == 0).flatten(1).any(1)
    assert lost.any() == (axis is not None)
    assert (cropped != 0).flatten(1).sum(1).min() >= images(1, shape).numel() - 1


def test_half_of_the_images_are_mirrored():
    x = images(2000, (2, 4, 5))
    flipped = applied("flip", x)
    mirrored = (flipped == x.flip(3)).flatten(1).all(1)
    same = (flipped == x).flatten(1).all(1)
    assert (mirrored ^ same).all()
    assert 0.45 < mirrored.float().mean() < 0.55


@pytest.mark.parametrize(
    ("shape", "side"), [((2, 8, 8), 2), ((1, 28, 28), 7), ((3, 32, 32), 8), ((1, 3, 9), 1)]
)
def test_a_cutout_is_one_square_around_any_pixel(shape, side):
    x = images(3000, shape)
    cut = applied("cutout", x)
    hole = (cut == 0).all(1)  # (n, H, W): the same in every channel
    assert torch.equal(hole[:, None].expand_as(x), cut == 0)
    assert torch.equal(cut[cut != 0], x[cut != 0])
    rows, columns = hole.any(2).sum(1), hole.any(1).sum(1)
    assert torch.equal(hole.flatten(1).sum(1), rows * columns)
    assert rows.max() == columns.max() == side
    assert rows.min() >= 1
    assert columns.min() >= 1
    assert hole.any(0).all()


def test_an_image_of_one_pixel_is_not_cut_out():
    x = images(5, (3, 1, 1))
    assert torch.equal(applied("cutout", x), x)


@pytest.mark.parametrize("name", CHANGES)
def test_each_image_has_random_numbers_of_its_own(name):
    x = images(1, (1, 8, 8)).expand(64, -1, -1, -1)
    assert len(applied(name, x).flatten(1).unique(dim=0)) > 1


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_equal_seeds_change_alike_and_torchs_numbers_are_left_alone(name):
    x, drawn = images(32, (1, 8, 8)), []
    before = torch.get_rng_state()
    for seed in (3, 3, 4):
        augment = Augmentation(name, seed, CPU)
        drawn.append([augment(x) for _ in range(2)])
    assert torch.equal(torch.get_rng_state(), before)
    assert all(map(torch.equal, drawn[0], drawn[1]))
    assert torch.equal(drawn[0][0], drawn[2][0]) == (name == "none")
    assert torch.equal(drawn[0][0], drawn[0][1]) == (name == "none")


def test_none_gives_the_very_batch_and_draws_nothing():
    augment, x = Augmentation("none", 0, CPU), images(4, (1, 8, 8))
    state = augment._generator.get_state()
    assert augment(x) is x
    assert torch.equal(augment._generator.get_state(), state)
    vectors = torch.ones(4, 3)
    assert augment(vectors) is vectors


@pytest.mark.parametrize("name", [name for name in AUGMENTATIONS if name != "none"])
def test_vectors_are_refused(name):
    with pytest.raises(TrainingError, match=f"augmentation='{name}' is for images .*shape .4, 3."):
        Augmentation(name, 0, CPU)(torch.ones(4, 3))


X = torch.randn(96, 1, 8, 8, generator=torch.Generator().manual_seed(0))
Y = (X.mean(dim=(1, 2, 3)) > 0).long()


class Watching(nn.Module):
    """Keeps the batches that it was given, by mode."""

    def __init__(self) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.linear = nn.Linear(64, 2)
        self.seen: dict[bool, list[torch.Tensor]] = {True: [], False: []}

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.seen[self.training].append(x.clone())
        return self.linear(x.flatten(1))


def batches(epoch, generator):
    return [(X[i], Y[i]) for i in torch.randperm(len(X), generator=generator).split(32)]


def train(settings: dict, net: nn.Module | None = None, data=batches, seed: int = 0):
    net, states = net or Watching(), []

    def score(net):
        states.append(torch.get_rng_state())
        return float((net(X).argmax(1) == Y).float().mean())

    run = fit(net, data, score, F.cross_entropy, TrainSettings(lr=0.05, **settings), seed=seed)
    return net, list(run), states


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_equal_seeds_give_equal_bits(name):
    settings = {"epochs": 2, "augmentation": name, "dropout": 0.3}
    runs = []
    for global_seed in (1, 2):
        torch.manual_seed(global_seed)
        net, epochs, _ = train(settings, seed=5)
        runs.append(([(e.score, e.loss) for e in epochs], net.linear.weight.detach()))
    assert runs[0][0] == runs[1][0]
    assert torch.equal(runs[0][1], runs[1][1])


def test_the_order_of_the_samples_does_not_depend_on_the_augmentation():
    plain, cut = (train({"epochs": 2, "augmentation": a})[0] for a in ("none", "cutout"))
    for ours, theirs in zip(plain.seen[True], cut.seen[True], strict=True):
        assert not torch.equal(ours, theirs)
    flipped, _, _ = train({"epochs": 2, "augmentation": "flip"})
    for ours, theirs in zip(plain.seen[True], flipped.seen[True], strict=True):
        same = (ours == theirs).flatten(1).all(1) | (ours.flip(3) == theirs).flatten(1).all(1)
        assert same.all()


def test_only_training_batches_are_augmented():
    net, _, _ = train({"epochs": 2, "augmentation": "cutout"})
    assert not torch.equal(net.seen[True][0], net.seen[True][3])
    assert all(torch.equal(x, X) for x in net.seen[False])


def test_each_epoch_sees_other_changes():
    net, _, _ = train({"epochs": 2, "augmentation": "crop"}, data=lambda epoch, generator: [(X, Y)])
    assert not torch.equal(*net.seen[True])


def test_by_default_no_random_number_is_drawn():
    orders = []

    def data(epoch, generator):
        orders.append(generator.get_state())
        return [(X[i], Y[i]) for i in torch.arange(96).split(32)]

    net, _, states = train({"epochs": 2}, data=data, seed=7)
    fresh = torch.Generator().manual_seed(7).get_state()
    assert all(torch.equal(state, fresh) for state in (*orders, *states))
    assert torch.equal(torch.cat(net.seen[True][:3]), X)


def test_vectors_end_in_a_sentence():
    vectors = X.flatten(1)
    with pytest.raises(TrainingError, match="augmentation='crop' is for images"):
        train({"epochs": 1, "augmentation": "crop"}, data=lambda e, g: [(vectors, Y)])


def test_augmented_batches_are_channels_last():
    layouts = []

    class Layout(Watching):
        def forward(self, x):
            layouts.append(x.is_contiguous(memory_format=torch.channels_last))
            return super().forward(x[:, :1])

    wide = X.expand(-1, 3, -1, -1).contiguous()
    net = Layout()
    settings = TrainSettings(epochs=1, augmentation="crop_flip_cutout")
    list(fit(net, lambda e, g: [(wide, Y)], lambda n: 0.0, F.cross_entropy, settings))
    assert layouts == [True]
