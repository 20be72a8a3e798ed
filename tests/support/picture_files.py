"""Bytes that stand for a picture where none is decoded."""

from __future__ import annotations


def picture_of(text: str) -> bytes:
    """Bytes that begin as a picture does, and differ where `text` differs."""
    return b"BM" + text.encode()
