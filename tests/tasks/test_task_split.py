import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optunas.errors import DataError, InvalidSpecError
from optunas.tasks.split import split_indices

THREE = (0.6, 0.2, 0.2)


@given(
    st.lists(st.integers(6, 40), min_size=2, max_size=5),
    st.tuples(*[st.floats(0.15, 0.33)] * 3),
    st.integers(0, 2**32 - 1),
)
def test_parts_are_disjoint_stratified_and_as_large_as_asked(class_sizes, sizes, seed):
    classes = np.repeat(np.arange(len(class_sizes)), class_sizes)
    n = len(classes)
    parts = split_indices(n, (0.34, *sizes[1:]), seed, classes)
    together = np.concatenate(parts)
    assert len(np.unique(together)) == len(together)
    for part, fraction in zip(parts, (0.34, *sizes[1:]), strict=True):
        assert abs(len(part) - fraction * n) <= 1
        wanted = np.array(class_sizes) * len(part) / n
        counts = np.bincount(classes[part], minlength=len(class_sizes))
        assert (np.abs(counts - wanted) <= 2).all()


def test_numbers_of_samples_are_exact():
    classes = np.arange(100) % 10
    assert [len(p) for p in split_indices(100, (61, 20, 18), 0, classes)] == [61, 20, 18]


def test_everything_is_used_when_fractions_add_up_to_one():
    parts = split_indices(1797, THREE, 0)
    assert sorted(np.concatenate(parts)) == list(range(1797))


def test_the_seed_decides():
    first, again, other = (split_indices(50, THREE, seed)[0].tolist() for seed in (1, 1, 2))
    assert first == again != other


def test_without_classes_nothing_is_stratified_but_all_are_mixed():
    train = split_indices(1000, (0.5, 0.5), 0)[0]
    assert 400 < train.mean() < 600


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ((0.6, 0.4), "into 3 parts is needed"),
        ((0.8, 0.2, 0.0), "must be above 0"),
        ((0.8, 0.3, -0.1), "must be above 0"),
        ((0.8, 0.2, 0.2), "at most 1"),
    ],
)
def test_sizes_that_cannot_be(sizes, message):
    with pytest.raises(InvalidSpecError, match=message):
        split_indices(100, sizes, 0, parts=3)


@pytest.mark.parametrize("seed", [-1, 2**32, 0.5])
def test_seeds_that_cannot_be(seed):
    with pytest.raises(InvalidSpecError, match="seed must be a whole number"):
        split_indices(100, THREE, seed)


def test_too_few_samples():
    with pytest.raises(DataError, match="2 samples are too few"):
        split_indices(2, THREE, 0)
    with pytest.raises(DataError, match="need 120, there are only 100"):
        split_indices(100, (100, 10, 10), 0)


def test_too_few_of_a_class():
    with pytest.raises(DataError, match="Class 1 has only 2 of 40 samples"):
        split_indices(40, THREE, 0, np.array([0] * 38 + [1] * 2))


def test_a_training_part_without_a_class():
    with pytest.raises(DataError, match=r"3 training samples are too few.* 10 classes"):
        split_indices(100, (3, 50, 40), 0, np.arange(100) % 10)


def test_a_single_class():
    with pytest.raises(DataError, match=r"same label \(7\)"):
        split_indices(20, THREE, 0, np.full(20, 7))
