"""Exports against the fields of the formats as their authors publish them, and against the record itself."""

import csv
import io
import json
import uuid

import pytest
from claim_cases import HEAD, describe_people, make_record, summarize
from golden_records import record
from places import LEADERBOARD
from ruamel.yaml import YAML

from vreid_bench.records.record import Record
from vreid_bench.records.scores import Metrics
from vreid_bench.reporting.export.every_eval_ever import describe_evaluation, evaluation_path
from vreid_bench.reporting.export.huggingface import render_model_card
from vreid_bench.reporting.export.lines import render_csv
from vreid_bench.reporting.export.write import render_records, write_records
from vreid_bench.system.errors import InputError

jsonschema = pytest.importorskip("jsonschema", reason="needs jsonschema (the extra `test`)")
yaml = YAML(typ="safe")

TEXT, NUMBER, TEXTS = {"type": "string"}, {"type": "number"}, {"additionalProperties": {"type": "string"}}


def entry(required, **properties):
    return {"type": "object", "required": required.split(), "properties": properties}


# What schema 0.3.0 of Every Eval Ever requires of the fields that are written, in our words.
EVALUATION = entry(
    "schema_version evaluation_id retrieved_timestamp source_metadata model_info eval_library evaluation_results",
    schema_version={"const": "0.3.0"},
    evaluation_id=TEXT,
    evaluation_timestamp=TEXT,
    retrieved_timestamp={"type": "string", "pattern": r"^\d+(\.\d+)?$"},
    source_metadata=entry(
        "source_type source_organization_name evaluator_relationship",
        source_name=TEXT,
        source_type={"enum": ["documentation", "evaluation_run"]},
        source_organization_name=TEXT,
        evaluator_relationship={"enum": ["first_party", "third_party", "collaborative", "other"]},
        additional_details=TEXTS,
    ),
    eval_library=entry("name version", name=TEXT, version=TEXT, additional_details=TEXTS),
    model_info=entry(
        "name id additional_details",
        name=TEXT,
        id={"type": "string", "pattern": "^[^/]+/[^/]+$"},
        developer=TEXT,
        inference_engine=entry("", name=TEXT, version=TEXT),
        additional_details=entry(
            "deployment_type model_availability",
            deployment_type={"enum": ["self_deployed", "externally_managed", "unknown"]},
            model_availability={"enum": ["open_weights", "closed_weights", "unknown"]},
        )
        | TEXTS,
    ),
    evaluation_results={
        "type": "array",
        "items": entry(
            "evaluation_name source_data metric_config score_details",
            evaluation_name=TEXT,
            source_data=entry(
                "dataset_name source_type",
                dataset_name=TEXT,
                source_type={"const": "other"},
                additional_details=TEXTS,
            ),
            metric_config=entry(
                "lower_is_better score_type min_score max_score",
                evaluation_description=TEXT,
                metric_name=TEXT,
                metric_unit=TEXT,
                lower_is_better={"type": "boolean"},
                score_type={"const": "continuous"},
                min_score=NUMBER,
                max_score=NUMBER,
                additional_details=TEXTS,
            ),
            score_details=entry(
                "score",
                score=NUMBER,
                uncertainty=entry(
                    "",
                    confidence_interval=entry(
                        "lower upper", lower=NUMBER, upper=NUMBER, confidence_level=NUMBER, method=TEXT
                    ),
                    num_samples={"type": "integer"},
                ),
            ),
        ),
    },
) | {"additionalProperties": False}


def conditioned():
    return make_record(conditions={"clean": 0.8, "spoiled": 0.4})


def committed(protocol):
    paths = sorted((LEADERBOARD / "records" / protocol).rglob("*.json"))
    return [Record.from_file(path) for path in paths[:3]]


@pytest.mark.parametrize("made", [record(), conditioned(), *committed("mars-corruption"), *committed("ilids-vid")])
def test_an_evaluation_has_the_fields_of_every_eval_ever(made):
    found = json.loads(render_records([made], "every-eval-ever"))
    jsonschema.Draft202012Validator(EVALUATION).validate(found)
    places = 1 + len(made.conditions)
    assert len(found["evaluation_results"]) == places * len(made.conventions) * len(Metrics.scores())
    first = found["evaluation_results"][0]
    assert first["score_details"]["score"] == made.conventions[made.protocol.headline].mAP
    assert first["metric_config"]["additional_details"]["headline"] == "true"


def test_a_file_s_name_is_a_uuid_of_version_4_that_follows_from_the_record(tmp_path):
    records = [record(seed=seed) for seed in (0, 1)]
    written = write_records(records, "every-eval-ever", tmp_path)
    assert [path.relative_to(tmp_path).as_posix() for path in written] == [str(evaluation_path(r)) for r in records]
    assert {uuid.UUID(path.stem).version for path in written} == {4}
    assert len({path.stem for path in written}) == 2
    assert [json.loads(path.read_text()) for path in written] == [describe_evaluation(r) for r in records]
    assert written[0].parent == tmp_path / "data/mars/vreid-bench/temporal-pooling-small"


def test_a_model_card_has_the_fields_of_hugging_face():
    made = [record(), record(seed=1), conditioned()]
    text = render_model_card(made)
    begin, end = text.index("---\n"), text.rindex("---\n")
    found = yaml.load(text[begin + 4 : end])
    assert set(found) == {"model-index"}
    assert [model["name"] for model in found["model-index"]] == ["good small", "temporal-pooling small"]
    results = [result for model in found["model-index"] for result in model["results"]]
    assert len(results) == 3 + 2
    for result in results:
        assert set(result) == {"task", "dataset", "metrics"}
        assert set(result["task"]) == {"type", "name"}
        assert {"type", "name"} <= set(result["dataset"]) <= {"type", "name", "config", "split", "revision", "args"}
        for metric in result["metrics"]:
            assert {"type", "value"} <= set(metric) <= {"type", "value", "name", "config", "args", "verified"}
            assert metric["verified"] is False
            assert isinstance(metric["value"], float)
    value = results[3]["metrics"][0]["value"]
    assert value == record().conventions[HEAD].mAP
    assert [r["dataset"]["args"].get("condition") for r in results[:3]] == [None, "clean", "spoiled"]


def test_a_model_card_names_the_folder_of_own_data():
    own = record(dataset__source="unverified", dataset__label="people")
    assert 'name: "mars, unverified data (people)"' in render_model_card([own])
    assert 'name: "mars, synthetic data"' in render_model_card([record()])


def test_a_table_has_a_line_for_each_score():
    made = [record(), conditioned()]
    rows = list(csv.DictReader(io.StringIO(render_csv(made))))
    assert len(rows) == (3 + 3) * len(Metrics.scores())
    for each in made:
        found = {
            (row["convention"], row["condition"], row["metric"]): float(row["value"])
            for row in rows
            if row["record"] == each.id
        }
        summaries = {"": each.conventions} | {c.name: c.conventions for c in each.conditions}
        assert found == {
            (name, condition, metric): getattr(summary, metric)
            for condition, conventions in summaries.items()
            for name, summary in conventions.items()
            for metric in Metrics.scores()
        }
    assert {row["low"] == "" for row in rows if row["metric"] == "R5"} == {True}


@pytest.mark.parametrize("people", [9, 10])
def test_of_fewer_than_ten_people_no_form_has_an_interval(people):
    asked = [describe_people(0.5, people)]
    scores = record().model_dump(mode="json")["conventions"][HEAD] | summarize(asked, (0.4, 0.6)) | {"cmc": None}
    made = make_record(people=asked, conventions={HEAD: scores})
    low = {row["metric"]: row["low"] for row in csv.DictReader(io.StringIO(render_csv([made])))}
    assert (low["mAP"], low["R5"]) == ("" if people < 10 else "0.4", "")
    first = json.loads(render_records([made], "every-eval-ever"))["evaluation_results"][0]["score_details"]
    assert ("uncertainty" in first) == (people >= 10)
    assert ("low" in render_model_card([made])) == (people >= 10)


def test_several_records_need_a_folder_of_every_eval_ever(tmp_path):
    made = [record(), record(seed=1)]
    with pytest.raises(InputError, match="found 2 records, expected one"):
        render_records(made, "every-eval-ever")
    file = tmp_path / "file"
    file.write_text("mine")
    with pytest.raises(InputError, match="is a file, expected a folder"):
        write_records(made, "every-eval-ever", file)
    with pytest.raises(InputError, match="is a folder, expected a file"):
        write_records(made, "csv", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert file.read_text() == "mine"


def test_the_command_writes_what_it_would_print(cli, tmp_path):
    source = tmp_path / "record.json"
    source.write_bytes(make_record().to_json())
    printed = cli("record", "export", source, "--to", "csv")
    written = cli("record", "export", source, "--to", "csv", "--out", tmp_path / "scores.csv")
    assert (printed.exit_code, written.exit_code) == (0, 0)
    assert written.stdout == f"{tmp_path / 'scores.csv'}\n"
    assert (tmp_path / "scores.csv").read_text() == printed.stdout == render_csv([make_record()])
