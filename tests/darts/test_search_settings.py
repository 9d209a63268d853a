"""Settings of a search: what is refused, in which words, and the rate of the alphas."""

from dataclasses import fields

import pytest

from optunas.darts import HALTS, ORDERS, VARIANTS, SearchSettings
from optunas.errors import InvalidSpecError, UnknownNameError


def test_defaults_are_the_papers():
    s = SearchSettings()
    assert (s.lr, s.momentum, s.weight_decay, s.alpha_weight_decay) == (0.025, 0.9, 3e-4, 1e-3)
    assert (s.epochs, s.batch_size, s.channels, s.num_cells, s.grad_clip) == (50, 64, 16, 8, 5.0)
    assert s.halt == "none"


def test_all_wrong_values_at_once():
    with pytest.raises(InvalidSpecError, match="epochs must be a whole number") as caught:
        SearchSettings(epochs=0, batch_size=1, lr=-1.0, momentum=1.0, halt_patience=0, order=3)
    lines = str(caught.value).splitlines()
    assert len(lines) == 6
    assert "epochs must be a whole number from 1 on, got 0." in lines
    assert "batch_size must be a whole number from 2 on, got 1." in lines
    assert "order must be 1 or 2, got 3." in lines


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"order": True}, "order must be 1 or 2"),
        ({"lr": float("nan")}, "lr must be a number above 0"),
        ({"alpha_lr": 0}, "alpha_lr must be a number above 0 or None"),
        ({"beta_decay": -1.0}, "beta_decay must be a number of at least 0"),
        ({"warmup_epochs": -1}, "warmup_epochs must be a whole number from 0 on or None"),
        ({"warmup_epochs": 50}, "below epochs=50, or the alphas never move; got 50"),
        ({"lr_min": 0.5}, "lr_min must be at most lr=0.025"),
        ({"variant": "gdas", "order": 2}, "choose order=1, or another variant"),
        ({"variant": "pc_darts", "channels": 10}, "multiple of it, got 10"),
        ({"checkpointing": 1}, "checkpointing must be True or False"),
        ({"halt_skips": -1}, "halt_skips must be a whole number from 0 on"),
    ],
)
def test_each_wrong_value(values, words):
    with pytest.raises(InvalidSpecError, match=words):
        SearchSettings(**values)


def test_names_are_told():
    with pytest.raises(UnknownNameError, match="did you mean 'drnas'"):
        SearchSettings(variant="drna")
    with pytest.raises(UnknownNameError, match="Known: eigenvalue, none, skips"):
        SearchSettings(halt="now")
    assert VARIANTS == ("darts", "pc_darts", "gdas", "drnas")
    assert (ORDERS, HALTS) == ((1, 2), ("none", "skips", "eigenvalue"))


def test_every_variant_and_order_can_be_had():
    for variant in VARIANTS:
        for order in ORDERS:
            if (variant, order) != ("gdas", 2):
                assert SearchSettings(variant=variant, order=order).order == order


def test_the_rate_of_the_alphas_keeps_the_papers_reach():
    s = SearchSettings()
    assert s.rate_of_alphas(19_550) == pytest.approx(3e-4)
    assert s.rate_of_alphas(40_000) == pytest.approx(3e-4)
    assert s.rate_of_alphas(1955) == pytest.approx(3e-3)
    assert s.rate_of_alphas(10) == s.rate_of_alphas(0) == 0.02
    assert SearchSettings(alpha_lr=1e-5).rate_of_alphas(10) == 1e-5


def test_every_setting_is_described():
    for field in fields(SearchSettings):
        assert f"{field.name}" in (SearchSettings.__doc__ or "")
