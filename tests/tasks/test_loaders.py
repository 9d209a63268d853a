import pytest
import torch
from torch.utils.data import DataLoader, IterableDataset, TensorDataset

from optunas.errors import DataError, InvalidSpecError, UnknownNameError
from optunas.tasks import Task, loaders

X = torch.randn(96, 2, 6, 6, generator=torch.Generator().manual_seed(0))
Y = (X.mean(dim=(1, 2, 3)) > 0).long()


def loader(x=X, y=Y, **options):
    return DataLoader(TensorDataset(x, y), **{"batch_size": 16, **options})


def task_of(train=None, validation=None, **options):
    settings = {"num_classes": 2, **options}
    train = loader(shuffle=True) if train is None else train
    return loaders(train, loader() if validation is None else validation, **settings)


class Stream(IterableDataset):
    """A data set without a length, counting what is read."""

    def __init__(self) -> None:
        self.read = 0

    def __iter__(self):
        for pair in zip(X, Y, strict=True):
            self.read += 1
            yield pair


def test_it_is_a_task_and_learns(network_of, drain):
    task = task_of(test=loader())
    assert isinstance(task, Task)
    assert (task.input_shape, task.num_outputs, task.kind) == ((2, 6, 6), 2, "classification")
    scores, network = drain(task.scores(network_of(task), {"epochs": 12, "lr": 0.05}))
    assert scores[-1].score > 0.9
    assert task.test_score(network) == pytest.approx(scores[-1].score)


def test_equal_seeds_give_equal_bits(network_of, drain):
    runs = []
    for global_seed in (1, 2):
        torch.manual_seed(global_seed)
        task = task_of()
        scores, network = drain(task.scores(network_of(task), {"epochs": 2}, seed=3))
        runs.append(
            ([s.score for s in scores], torch.cat([p.flatten() for p in network.parameters()]))
        )
    assert runs[0][0] == runs[1][0]
    assert torch.equal(runs[0][1], runs[1][1])


def test_a_loaders_own_generator_follows_the_seed_and_is_put_back(network_of, drain):
    own = torch.Generator().manual_seed(9)
    task = task_of(loader(shuffle=True, generator=own))
    before, weights = own.get_state(), []
    for seed in (1, 1, 2):
        _, network = drain(task.scores(network_of(task), {"epochs": 1}, seed=seed))
        weights.append(network[0].weight)
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])
    assert torch.equal(own.get_state(), before)


def test_the_callers_random_numbers_are_left_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    task_of()
    assert torch.equal(torch.rand(3), expected)


def test_a_stream_is_read_batch_by_batch(network_of):
    stream = Stream()
    task = task_of(DataLoader(stream, batch_size=16))
    assert stream.read == 16
    run = task.scores(network_of(task), {"epochs": 3})
    next(run)
    assert stream.read == 16 + 96
    next(run)
    assert stream.read == 16 + 2 * 96


def test_worker_processes_serve_too(network_of, drain):
    task = task_of(loader(num_workers=1))
    scores, _ = drain(task.scores(network_of(task), {"epochs": 1}))
    assert len(scores) == 1


def test_regression_in_the_targets_own_unit(network_of, drain):
    y = 500 + 20 * X.mean(dim=(1, 2, 3))
    task = loaders(
        loader(y=y, shuffle=True),
        loader(y=y),
        kind="regression",
        score="mae",
        target_mean=float(y.mean()),
        target_std=float(y.std()),
    )
    assert (task.num_outputs, task.direction) == (1, "minimize")
    settings = {"epochs": 25, "optimizer": "adam", "lr": 0.01}
    scores, _ = drain(task.scores(network_of(task), settings))
    assert scores[-1].score < 0.7 * (y - y.mean()).abs().mean()


def test_a_last_batch_of_one_is_left_out(network_of):
    task = task_of(loader(X[:33], Y[:33]))
    batches = task.train_batches(task.settings({}), torch.device("cpu"))(0, torch.Generator())
    assert [len(y) for _, y in batches] == [16, 16]


def test_the_fingerprint_goes_by_name_and_sizes():
    task = task_of()
    assert task.fingerprint() == task_of().fingerprint()
    assert task.fingerprint() != task_of(name="version 2").fingerprint()
    assert task.fingerprint() != task_of(validation=loader(X[:50], Y[:50])).fingerprint()
    assert len(task_of(DataLoader(Stream(), batch_size=8)).fingerprint()) == 16


def holes(y=Y):
    return loader(torch.where(torch.arange(96)[:, None, None, None] == 40, torch.nan, X), y)


@pytest.mark.parametrize(
    ("train", "validation", "message"),
    [
        (holes(), None, "Batch 2 of the train loader has NaN .* in x"),
        (None, holes(), "Batch 2 of the validation loader has NaN .* in x"),
        (loader(y=Y * 0), None, "All labels of the train loader are 0"),
        (None, loader(y=Y * 0 + 1), "All labels of the validation loader are 1"),
        (loader(y=Y * 2), None, "labels from 0 to 2; with num_classes=2"),
        (None, loader(y=Y - 1), "labels from -1 to 0"),
        (None, loader(X[:, :1]), r"inputs of shape \(1, 6, 6\)"),
        (None, loader(X.half() * 1e5), "NaN or infinite"),
        (None, loader(y=Y.float()), "integers of shape"),
        (None, loader(X[:0], Y[:0]), "validation loader is empty"),
    ],
)
def test_bad_batches_are_found_when_they_are_used(train, validation, message, network_of, drain):
    task = task_of(train, validation)
    with pytest.raises(DataError, match=message):
        drain(task.scores(network_of(task), {"epochs": 1}))


def test_large_finite_values_are_not_mistaken_for_infinite(network_of):
    task = task_of(validation=loader(X * 1e37))
    assert len(list(task.batches("validation", torch.device("cpu")))) == 6


class Dictionaries:
    def __iter__(self):
        yield {"x": X, "y": Y}


@pytest.mark.parametrize(
    ("train", "message"),
    [
        (Dictionaries(), "is a dict; it must be a pair"),
        (iter([(X, Y)]), "cannot be read once an epoch"),
        ([], "train loader is empty"),
        ([(X.numpy(), Y)], "x of type ndarray"),
        ([(X.byte(), Y)], "x of shape .* torch.uint8; it must be a tensor of floats"),
        ([(X[:, 0], Y)], r"x of shape \(96, 6, 6\)"),
        ([(X, Y[:5])], r"y of shape \(5,\) .* for 96 inputs"),
    ],
)
def test_a_first_batch_that_is_no_pair_of_images_and_labels(train, message):
    with pytest.raises(DataError, match=message):
        loaders(train, loader(), num_classes=2)


def test_the_test_data_may_be_missing(network_of):
    task = task_of()
    with pytest.raises(DataError, match=r"no test data: give loaders\(..., test=...\)"):
        task.test_score(network_of(task))


@pytest.mark.parametrize("num_classes", [None, 1, 2.0])
def test_classification_needs_the_number_of_classes(num_classes):
    with pytest.raises(InvalidSpecError, match="needs num_classes"):
        task_of(num_classes=num_classes)


def test_target_stats_are_checked():
    with pytest.raises(InvalidSpecError, match="target_std above 0"):
        loaders(loader(y=Y.float()), loader(), kind="regression", target_std=0.0)


def test_unknown_names():
    with pytest.raises(UnknownNameError, match="did you mean 'classification'"):
        task_of(kind="clasification")
    with pytest.raises(UnknownNameError, match="regression score 'accuracy'"):
        task_of(loader(y=Y.float()), kind="regression", score="accuracy")
