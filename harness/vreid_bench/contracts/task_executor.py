"""Who does the tasks that one computation is cut into: processes of this machine, or those of a cluster."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Protocol, TypeVar

Shared = TypeVar("Shared")
Task = TypeVar("Task")
Result = TypeVar("Result")

Work = Callable[[Shared, Task, int | None], Result]
"""A function of an installed module: what all tasks share, a task, and how many threads it may use (None: any)."""


class TaskExecutor(Protocol):
    """What an executor of boards (`Executor`) has besides if `score --executor` can use it."""

    def map_tasks(
        self, work: Work[Shared, Task, Result], shared: Shared, tasks: Sequence[Task]
    ) -> Generator[tuple[int, Result], None, None]:
        """The number of each task with its result, as soon as that is known, in any order.

        shared: sent to each process or machine once. A task whose process or machine was lost is done again, a few
        times at most. Closing the generator ends what is not done yet. Raises what `work` raises, RunError for tasks
        that were lost too often, and InputError where nothing can be started.
        """
        ...
