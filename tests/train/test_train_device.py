import pytest
import torch

from optunas.errors import DeviceError
from optunas.train import resolve_device


def test_the_cpu_is_there():
    assert resolve_device("cpu") == torch.device("cpu")


@pytest.mark.parametrize("name", ["cuda:99", "cuda:7"])
def test_a_missing_device_is_named(name):
    if torch.cuda.device_count() > 7:
        pytest.skip("this machine has them")
    with pytest.raises(DeviceError, match=f"'{name}' is not there.*device='cpu'"):
        resolve_device(name)


def test_cuda_without_a_gpu_is_named(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(DeviceError, match="torch sees 0 CUDA devices"):
        resolve_device("cuda")


def test_another_kind_of_device_is_refused():
    with pytest.raises(DeviceError, match="not on 'meta'"):
        resolve_device("meta")


def test_nonsense_is_refused():
    with pytest.raises(DeviceError, match="Unknown device 'gpu'"):
        resolve_device("gpu")
