"""``python -m indexer COMMAND``: the same as ``marketplace index``."""

from indexer.commands import index

if __name__ == "__main__":
    index(prog_name="python -m indexer")
