"""The command line: one file for each command; each parses its options and calls the module that does the work."""

from __future__ import annotations

import os
import sys
from functools import partial
from typing import Any, NoReturn

import click

from vreid_bench.cli.check import check
from vreid_bench.cli.compare import compare
from vreid_bench.cli.completion import complete_names
from vreid_bench.cli.conventions import conventions
from vreid_bench.cli.data import data
from vreid_bench.cli.doctor import doctor
from vreid_bench.cli.export import export
from vreid_bench.cli.gallery import gallery
from vreid_bench.cli.inspect import inspect
from vreid_bench.cli.leaderboard import leaderboard
from vreid_bench.cli.listing import list_
from vreid_bench.cli.methods import methods
from vreid_bench.cli.new_plugin import new_plugin
from vreid_bench.cli.options import FOLDER, RUN
from vreid_bench.cli.plot import plot
from vreid_bench.cli.pretrain import pretrain
from vreid_bench.cli.protocols import protocols
from vreid_bench.cli.record import record
from vreid_bench.cli.report import report
from vreid_bench.cli.reproduce import reproduce
from vreid_bench.cli.run import run
from vreid_bench.cli.runs import runs_
from vreid_bench.cli.score import score
from vreid_bench.cli.visibility import visibility
from vreid_bench.system.errors import TRACEBACK, InputError, RunError, describe_exception
from vreid_bench.system.interruption import Interruption, end_on_signals, leave
from vreid_bench.system.memory import describe_shortage, is_out_of_memory
from vreid_bench.system.terminal import echo, make_printable

SURROGATE = "surrogates not allowed"  # Python's reason about a byte that is not UTF-8, which stands for itself
RESUMED = ("run", "pretrain", "data")  # commands that go on where they were interrupted


class Group(click.Group):
    """A group that reports errors in one sentence: exit code 2 for the user's mistakes, 1 for other failures.

    Any other exception is one sentence as well, unless VREID_TRACEBACK=1 asks for its traceback. Ctrl-C ends a command
    with 130 and SIGTERM with 143, as shells expect.
    """

    def invoke(self, context: click.Context) -> Any:
        try:
            with end_on_signals(partial(say_interrupted, context)):
                return super().invoke(context)
        except Interruption as stop:
            leave(stop.code)
        except InputError as fault:
            end(context, "error", str(fault), 2)
        except RunError as fault:
            end(context, "failed", str(fault), 1)
        except OSError as fault:
            end(context, "failed", f"{fault.filename or 'file system'}: {fault.strerror or fault}", 1)
        except click.ClickException as fault:  # click's own: a mistake in an option
            vars(fault)["message"] = make_printable(fault.message)  # it repeats what was given
            raise
        except (click.exceptions.Exit, click.Abort):  # the end of a command
            raise
        except Exception as fault:
            if os.environ.get(TRACEBACK):
                raise
            if isinstance(fault, UnicodeEncodeError) and fault.reason == SURROGATE:  # only names of files have one
                line = fault.object[: fault.end].splitlines()[-1] + fault.object[fault.end :].partition("\n")[0]
                end(context, "error", f"{line}: found a name that is not UTF-8; rename that file or folder", 2)
            reason = describe_exception(fault)
            if is_out_of_memory(fault):
                reason = f"{describe_shortage(fault)}: end other programs, or use less data or a smaller --preset"
            end(context, "failed", f"{reason}; {TRACEBACK}=1 shows where", 1)


def end(context: click.Context, word: str, sentence: str, code: int) -> NoReturn:
    """Print an error to stderr, and exit; of several runs, the sentence begins with what that run has of its own.

    One that begins with an option says itself what is wrong.
    """
    run = context.meta.get(RUN)
    echo(f"{word}: {f'{run}: ' if run and not sentence.startswith('--') else ''}{sentence}", err=True)
    context.exit(code)


def say_interrupted(context: click.Context) -> None:
    """Print to stderr that the command was interrupted, and how to continue one that can.

    With the folder if the command has named it, and whether anything is kept there.
    """
    if context.invoked_subcommand not in RESUMED:
        echo("interrupted", err=True)
        return
    folder = context.meta.get(FOLDER)
    where = f" ({folder})" if folder else ""
    kept = not folder or any(folder.rglob("*.safetensors"))
    echo(
        f"interrupted; repeat the command to {'go on' if kept else 'begin again, nothing was kept yet'}{where}",
        err=True,
    )


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="vreid-bench")
def main() -> None:
    """Benchmark video person re-identification.

    \b
    Train a method, run a standard protocol, read its row:
        vreid-bench run --plugin personvlad --protocol mars
    Use your copy of the data, in its published layout:
        vreid-bench run --plugin personvlad --protocol mars --data /data/mars
    """


for command in (
    run,
    pretrain,
    runs_,
    score,
    export,
    gallery,
    compare,
    conventions,
    visibility,
    inspect,
    leaderboard,
    record,
    report,
    reproduce,
    plot,
    list_,
    methods,
    protocols,
    check,
    new_plugin,
    data,
    doctor,
):
    main.add_command(command)
complete_names(main)


if __name__ == "__main__":
    sys.exit(main())
