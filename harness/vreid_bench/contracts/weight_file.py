"""A file of published weights, as its publisher offers it: what a paper begins from. Nothing here is ever fetched."""

from __future__ import annotations

from typing import NamedTuple


class WeightFile(NamedTuple):
    """The file of one network, trained on one data set."""

    name: str  # "resnet50-0676ba61.pth"
    data: str  # what the network was trained on: "ImageNet"
    url: str  # the publisher's page of it
    sha256: str = ""  # its hash, or the beginning of it that is published; "": none is

    @property
    def words(self) -> str:
        """The file on one line."""
        hashed = f", SHA-256 {self.sha256}..." if self.sha256 else ""
        return f"{self.name} ({self.data}{hashed}, {self.url})"
