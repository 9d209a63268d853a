"""Data, loss and score behind one protocol; the factories here are what studies name.

``"optunas.tasks:digits"`` is such a name; a user's own task is any object of the protocol
:class:`Task`, made by an importable function. Importing this room loads no torch, calling a
factory does.
"""

from __future__ import annotations

from optunas.tasks.images import digits, fashion_mnist
from optunas.tasks.npz import arrays
from optunas.tasks.protocol import Score, Task
from optunas.tasks.streams import loaders

__all__ = ["Score", "Task", "arrays", "digits", "fashion_mnist", "loaders"]
