import torch

from optunas.train import seeded
from optunas.train.random_state import RandomState


def test_a_private_state_continues_and_leaves_the_callers_alone():
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    state, drawn = RandomState(1, torch.device("cpu")), []
    for _ in range(2):
        with state.active():
            drawn.append(torch.rand(2))
    assert torch.equal(torch.rand(3), expected)
    torch.manual_seed(1)
    assert torch.equal(torch.cat(drawn), torch.cat([torch.rand(2), torch.rand(2)]))


def test_the_callers_state_returns_after_an_error():
    torch.manual_seed(7)
    before = torch.get_rng_state()
    try:
        with seeded(3):
            torch.rand(2)
            raise ValueError
    except ValueError:
        pass
    assert torch.equal(torch.get_rng_state(), before)


def test_seeded_is_the_global_seed():
    with seeded(3):
        inside = torch.rand(4)
    torch.manual_seed(3)
    assert torch.equal(inside, torch.rand(4))
