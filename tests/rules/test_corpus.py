"""Real requests with the answers that AWS gives, written by hand apart from the catalogue (corpus/requests.yaml)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from batchiac.rules import check_request

CORPUS: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "corpus" / "requests.yaml").read_text())


def test_the_corpus_is_large_enough() -> None:
    """There are at least 40 requests, of both answers, and no two have one name."""
    assert len(CORPUS) >= 40
    assert len({each["name"] for each in CORPUS}) == len(CORPUS)
    assert sum(each["answer"] == "accepted" for each in CORPUS) >= 10


@pytest.mark.parametrize("case", CORPUS, ids=lambda case: case["name"])
def test_a_request_gets_aws_s_answer(case: dict[str, Any]) -> None:
    """What AWS accepts stops nothing; what it refuses is refused, in AWS's words."""
    stopping = [
        each for each in check_request(case["operation"], case["request"], current=case.get("current")) if each.stops
    ]
    if case["answer"] == "accepted":
        assert not stopping, [each.message for each in stopping]
        return
    texts = [each.aws_message for each in stopping]
    assert any(text.startswith(case["answer"]) for text in texts), (texts, [each.message for each in stopping])


def test_the_examples_of_aws_s_own_model_stop_nothing() -> None:
    """Every example request in botocore's Batch model is free of errors; a row that one breaks says why."""
    botocore = pytest.importorskip("botocore")
    path = Path(botocore.__file__).parent / "data/batch/2016-08-10/examples-1.json"
    examples = json.loads(path.read_text())["examples"]
    seen = 0
    for operation, entries in examples.items():
        for entry in entries:
            seen += 1
            stopping = [each for each in check_request(operation, entry["input"]) if each.stops]
            assert not stopping, (operation, entry["title"], stopping)
    assert seen >= 20
