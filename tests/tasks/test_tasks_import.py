import subprocess
import sys

import pytest

import optunas.tasks
import optunas.train

CODE = "import sys, {}; print([m for m in ('torch', 'sklearn', 'optuna') if m in sys.modules])"


@pytest.mark.parametrize("room", ["optunas.tasks", "optunas.train", "optunas.train.settings"])
def test_importing_loads_no_torch(room):
    done = subprocess.run(
        [sys.executable, "-c", CODE.format(room)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("room", [optunas.tasks, optunas.train])
def test_every_public_name_is_there(room):
    for name in room.__all__:
        assert getattr(room, name).__doc__
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        room.nothing  # noqa: B018
