"""``python -m indexer rebuild|drain``: the same commands as ``marketplace index``."""

from indexer.commands import index

if __name__ == "__main__":
    index(prog_name="python -m indexer")
