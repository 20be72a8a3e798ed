"""What can be wrong with the user's input, said in one sentence."""

from __future__ import annotations


class InputError(Exception):
    """The user's input cannot be used.

    The message names the file or option, what was found, what was expected and what to do; the command line prints it
    and exits with code 2.
    """


class RunError(Exception):
    """The work failed for a reason that is not the user's input; the command line exits with code 1."""
