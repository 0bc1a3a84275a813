"""Progress of long work on the terminal: bars where there is one, a line now and then elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

Show = Callable[[str, int, int], None]
"""``show(what, done, total)``, called as often as one likes."""


@contextmanager
def shown_progress(console: Console) -> Iterator[Show]:
    """Yield the function that shows how far each step is."""
    if not console.is_terminal:
        yield _lines(console)
        return
    columns = (TextColumn("  {task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as bars:
        tasks: dict[str, TaskID] = {}

        def show(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total)
            bars.update(tasks[what], completed=done, total=total)

        yield show


def _lines(console: Console) -> Show:
    shown: dict[str, int] = {}

    def show(what: str, done: int, total: int) -> None:
        quarter = done * 4 // total if total else 4
        if shown.get(what) != quarter:
            shown[what] = quarter
            console.print(f"  {what}: {done} of {total}")

    return show
