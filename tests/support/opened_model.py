"""The model of a finished run, for its page."""

from vreid_bench.evaluation.run_model import open_run_model
from vreid_bench.planning.plan import RunRequest


def open_model(folder):
    """As `vreid-bench report` opens it."""
    request = RunRequest(name=None, protocol=None, source=folder, runs=folder.parent, device="cpu", quiet=True)
    return open_run_model(request)
