"""Protocols in words and as a table."""

from dataclasses import replace

import pytest
from places import ROOT
from yard import PROTOCOL, Reader
from yard import registry as registry_of_yard

from vreid_bench.planning.protocols import find_protocol
from vreid_bench.registry.registry import Registry
from vreid_bench.reporting.protocols import describe_protocol, protocols_table


@pytest.fixture(scope="module")
def registry():
    return Registry.installed()


def test_every_installed_protocol_is_described_and_has_its_line(registry, cli, cli_json):
    protocols = [entry.value for entry in registry.entries("protocols")]
    lines = protocols_table(protocols).splitlines()
    assert len(lines) == 2 + len(protocols)
    for protocol, line in zip(protocols, lines[2:], strict=True):
        assert line.startswith(f"| `{protocol.name}` ")
        words = describe_protocol(protocol)
        for count in protocol.counts.values():
            assert f"{count:,}" in words
    corrupted = cli("protocols", "show", "mars-corruption-query").stdout
    assert "of query tracklets alone" in corrupted
    assert "JPEG of quality 20" in corrupted
    assert "8 of 8 clips" in cli("protocols", "show", "mars-shuffled-frames").stdout
    assert "training tracklets under 12 frames" in cli("protocols", "show", "hitsz-vcm-infrared-to-visible").stdout
    shown = cli_json("protocols", "show", "mars")
    assert shown["fingerprint"] == find_protocol(registry.values("protocols"), "mars").fingerprint
    assert shown["counts"]["queries"] == 1980
    assert cli("protocols", "table").stdout == protocols_table(protocols) + "\n"


def test_the_docs_have_the_table_that_the_protocols_give(registry):
    docs = (ROOT / "docs" / "protocols.md").read_text()
    assert protocols_table(entry.value for entry in registry.entries("protocols")) in docs


def test_a_protocol_under_an_unknown_convention_is_refused_as_a_run_refuses_it(cli, monkeypatch):
    protocol = replace(PROTOCOL, conventions=("c", "market"))
    monkeypatch.setattr(Registry, "installed", lambda: registry_of_yard(Reader(), protocol))
    shown = cli("protocols", "show", protocol.name)
    assert (shown.exit_code, shown.stdout) == (2, "")
    assert "convention 'market', which no plugin provides" in shown.stderr
