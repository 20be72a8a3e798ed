"""One function in several processes that are joined as torchrun joins them."""

import multiprocessing
import os
import socket
import traceback

from vreid_bench.system.processes import joined


def together(total, function, *arguments):
    """What `function(*arguments)` returns in each of the processes, in order; without their quiet."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    context = multiprocessing.get_context("fork")
    pipes, started = [], []
    for rank in range(total):
        ours, theirs = context.Pipe(duplex=False)
        started.append(context.Process(target=_work, args=(rank, total, port, theirs, function, arguments)))
        started[-1].start()
        theirs.close()
        pipes.append(ours)
    results = []
    for rank, pipe in enumerate(pipes):
        try:
            results.append(pipe.recv())
        except EOFError:
            results.append(f"process {rank} ended with {started[rank].exitcode}")
    for process in started:
        process.join(60)
    failed = [result for result in results if isinstance(result, str)]
    assert not failed, "\n".join(failed)
    return results


def _work(rank, total, port, pipe, function, arguments):
    given = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": total, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    os.environ.update({name: str(value) for name, value in given.items()})
    try:
        with joined():
            result = function(*arguments)
        pipe.send(result)
    except BaseException:
        pipe.send(traceback.format_exc())
