"""What the readers of published layouts share: their check and their twin lie beside them, and load when used."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from vreid_bench import DatasetCheck


class LayoutReader:
    """A reader in `<data set>/reader.py`, with the check in `verify.py` and the twin in `twin.py` of the same folder.

    These two modules load the decoders and the renderer, which listing data sets does not need.
    """

    complete = True  # its `verify` counts everything and checks the frames

    def verify(self, root: Path, decode: bool = False) -> DatasetCheck:
        """Every count beside its published number, every fault of lists, names and frames as a sentence."""
        check: DatasetCheck = self._beside("verify").verify(Path(root), decode)
        return check

    def twin(self) -> str:
        """A hash that changes whenever `synthesize(root)` would write another tree."""
        return str(self._beside("twin").plan().hash)

    def synthesize(self, root: Path, **world: Any) -> None:
        """Render a synthetic tree in this layout into the new folder `root`."""
        from vreid_plugins.synthetic import write_twin

        write_twin(root, self._beside("twin").plan, **world)

    def _beside(self, name: str) -> ModuleType:
        package = type(self).__module__.rpartition(".")[0]
        return import_module(f"{package}.{name}")
