"""How a failure in a plugin's code is told: what raised, and the line of the plugin's code that it came from."""

from __future__ import annotations

import sys
import traceback

from vreid_bench.system.errors import TRACEBACK, describe_exception

# The packages that call the code of plugins, directly or on behalf of the harness.
CALLERS = {"vreid_bench", "torch", "pluggy", "numpy"} | sys.stdlib_module_names


def describe_failure(who: str, fault: BaseException) -> str:
    """The sentence for an exception that the code of `who` raised."""
    line = find_raising_line(fault)
    told = f"at {line}; {TRACEBACK}=1 shows the calls before" if line else f"; {TRACEBACK}=1 shows where"
    return f"{who} failed ({describe_exception(fault)}){' ' * bool(line)}{told}"


def find_raising_line(fault: BaseException, plugin: str | None = None) -> str:
    """The innermost line of the plugin behind an exception, as `FILE, line N, in FUNCTION`.

    plugin: the top-level package of its code; by default the first that the harness calls, itself or by torch. A
    library that the plugin calls is not its code. Empty if none of its code was running, as where a call does not fit
    the function.
    """
    frames = list(traceback.walk_tb(fault.__traceback__))
    packages = [str(frame.f_globals.get("__name__", "")).partition(".")[0] for frame, _ in frames]
    plugin = plugin or next((package for package in packages if package not in CALLERS), "")
    own = [at for at, package in zip(frames, packages, strict=True) if package == plugin]
    if not own:
        return ""
    frame, line = own[-1]
    function = frame.f_code.co_name
    return f"{frame.f_code.co_filename}, line {line}{f', in {function}' if function != '<module>' else ''}"
