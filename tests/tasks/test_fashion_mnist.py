import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from optunas.errors import DataError, InvalidSpecError
from optunas.tasks import fashion_mnist

DEBIAN = Path("/usr/share/datasets/fashion-mnist")
IMAGES, LABELS = "{}-images-idx3-ubyte", "{}-labels-idx1-ubyte"


def write(folder: Path, name: str, magic: int, data: np.ndarray, packed: bool = True) -> None:
    raw = np.array([magic, *data.shape], ">i4").tobytes() + data.tobytes()
    path = folder / (f"{name}.gz" if packed else name)
    path.write_bytes(gzip.compress(raw) if packed else raw)


@pytest.fixture
def folder(tmp_path):
    """A small data set in the package's format."""
    random = np.random.default_rng(0)
    for part, n in (("train", 120), ("t10k", 40)):
        write(
            tmp_path,
            IMAGES.format(part),
            2051,
            random.integers(0, 256, (n, 28, 28)).astype(np.uint8),
        )
        write(tmp_path, LABELS.format(part), 2049, (np.arange(n) % 10).astype(np.uint8))
    return tmp_path


def small(folder, **options):
    return fashion_mnist(str(folder), **{"val_size": 40, **options})


def sizes(task):
    return [len(task.part(part).y) for part in ("train", "validation", "test")]


def test_the_test_images_are_the_test_part(folder):
    task = small(folder)
    assert sizes(task) == [80, 40, 40]
    assert (task.input_shape, task.num_outputs) == ((1, 28, 28), 10)
    assert task.classes[9] == "Ankle boot"
    assert np.array_equal(task.part("test").y, np.arange(40) % 10)


def test_sizes_are_exact_and_stratified(folder):
    task = small(folder, train_size=50, val_size=30)
    assert sizes(task) == [50, 30, 40]
    assert np.bincount(task.part("train").y).tolist() == [5] * 10


@pytest.mark.parametrize("size", [14, 7])
def test_smaller_images_are_means_of_squares(folder, size):
    whole, pooled = (small(folder, size=s).part("test").x for s in (28, size))
    side = 28 // size
    assert pooled.shape == (40, 1, size, size)
    for row, column in ((0, 0), (3, 5), (size - 1, size - 1)):
        square = whole[
            7, 0, row * side : (row + 1) * side, column * side : (column + 1) * side
        ].astype(float)
        assert pooled[7, 0, row, column] == pytest.approx(square.mean())


def test_options_make_the_same_task_again(folder):
    task = small(folder, size=14, seed=3)
    again = fashion_mnist(**json.loads(json.dumps(task.options)))
    assert again.fingerprint() == task.fingerprint() != small(folder, size=14).fingerprint()


def test_the_directory_may_come_from_the_environment(folder, monkeypatch):
    monkeypatch.setenv("OPTUNAS_FASHION_MNIST", str(folder))
    assert sizes(fashion_mnist(val_size=40)) == [80, 40, 40]


def test_unpacked_files_are_read_too(folder):
    name = LABELS.format("t10k")
    (folder / f"{name}.gz").unlink()
    write(folder, name, 2049, (np.arange(40) % 10).astype(np.uint8), packed=False)
    assert sizes(small(folder)) == [80, 40, 40]


def test_a_missing_file_says_how_to_get_it(folder):
    (folder / f"{IMAGES.format('t10k')}.gz").unlink()
    with pytest.raises(DataError, match=r"t10k-images.*apt install dataset-fashion-mnist.*root="):
        small(folder)


def test_a_missing_directory_says_how_to_get_it(tmp_path):
    with pytest.raises(DataError, match="OPTUNAS_FASHION_MNIST"):
        small(tmp_path / "nowhere")


def truncated(path):
    path.write_bytes(path.read_bytes()[:-200])


def no_gzip(path):
    path.write_bytes(b"<html>404</html>")


def another_magic(path):
    path.write_bytes(gzip.compress(b"\x00\x00\x00\x07" + gzip.decompress(path.read_bytes())[4:]))


def too_short(path):
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes())[:-5]))


def empty(path):
    path.write_bytes(b"")


@pytest.mark.parametrize("damage", [truncated, no_gzip, another_magic, too_short, empty])
def test_a_damaged_file_is_named(folder, damage):
    damage(folder / f"{IMAGES.format('train')}.gz")
    with pytest.raises(DataError, match=r"Cannot read .*train-images-idx3-ubyte.gz.*damaged"):
        small(folder)


def test_other_data_in_the_format_is_refused(folder):
    write(folder, LABELS.format("t10k"), 2049, np.zeros(39, np.uint8))
    with pytest.raises(DataError, match="39 labels, which is not Fashion-MNIST"):
        small(folder)


def test_other_sizes_are_refused(folder):
    with pytest.raises(InvalidSpecError, match="28, 14 or 7 pixels, got 13"):
        small(folder, size=13)
    with pytest.raises(InvalidSpecError, match="must be above 0"):
        small(folder, val_size=120)
    with pytest.raises(DataError, match="need 140, there are only 120"):
        small(folder, train_size=100)


@pytest.mark.skipif(not DEBIAN.is_dir(), reason="Debian's dataset-fashion-mnist is not installed")
def test_debians_package_is_found(monkeypatch):
    monkeypatch.delenv("OPTUNAS_FASHION_MNIST", raising=False)
    task = fashion_mnist(train_size=2000, val_size=1000, size=14)
    assert sizes(task) == [2000, 1000, 10_000]
    assert np.bincount(task.part("test").y).tolist() == [1000] * 10
