import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from optunas.metrics import machine_lock

HOLD = (
    "import sys, time\n"
    "from pathlib import Path\n"
    "from optunas.metrics import machine_lock\n"
    "with machine_lock('test', Path(sys.argv[1])):\n"
    "    print('held', flush=True)\n"
    "    time.sleep(60)\n"
)


def taken(directory: Path) -> bool:
    """Whether someone holds the lock; asked without waiting."""
    import fcntl

    handle = os.open(directory / "optunas-test.lock", os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def test_held_inside_and_free_afterwards_also_after_an_error(tmp_path: Path) -> None:
    with machine_lock("test", tmp_path):
        assert taken(tmp_path)
    assert not taken(tmp_path)
    with pytest.raises(KeyError, match="inside"), machine_lock("test", tmp_path):
        raise KeyError("inside")
    assert not taken(tmp_path)


def test_another_process_waits_and_a_killed_one_lets_go(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        assert taken(tmp_path)
        other.kill()
        other.wait()
    with machine_lock("test", tmp_path):
        assert taken(tmp_path)


def test_threads_exclude_each_other(tmp_path: Path) -> None:
    inside, most = [], []

    def work() -> None:
        for _ in range(20):
            with machine_lock("test", tmp_path):
                inside.append(1)
                most.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(most) == 80
    assert max(most) == 1


def test_different_names_do_not_wait_for_each_other(tmp_path: Path) -> None:
    with machine_lock("one", tmp_path), machine_lock("two", tmp_path):
        assert sorted(path.name for path in tmp_path.iterdir()) == [
            "optunas-one.lock",
            "optunas-two.lock",
        ]


def test_a_file_that_may_only_be_read_serves(tmp_path: Path) -> None:
    path = tmp_path / "optunas-test.lock"
    path.touch(mode=0o444)
    with machine_lock("test", tmp_path):
        assert taken(tmp_path)


def test_a_planted_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "optunas-test.lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic link"), machine_lock("test", tmp_path):
        pass
    assert not (tmp_path / "elsewhere").exists()
