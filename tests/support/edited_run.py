"""The folder of a run whose results a test edits."""


def allow_edits(run):
    """Remove the checksums of the results: an edited one would be taken for one that was damaged on disk."""
    (run / "SHA256SUMS").unlink(missing_ok=True)
