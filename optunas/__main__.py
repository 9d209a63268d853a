"""``python -m optunas`` is the ``optunas`` command."""

from optunas.cli import main

if __name__ == "__main__":
    main()
