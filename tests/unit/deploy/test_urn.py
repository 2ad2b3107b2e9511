"""URNs as Pulumi makes them."""

from __future__ import annotations

import pytest

from batchiac.deploy.urn import inherited_alias, is_default_provider, make_urn, name_of, parse_urn, short_type, type_of

ROOT = "urn:pulumi:dev::proj::pulumi:pulumi:Stack::proj-dev"


def test_the_root_leaves_no_trace() -> None:
    """A child of the stack has a plain type; deeper ones join their parents'."""
    box = make_urn("dev", "proj", "batchiac:batch:Box", "b", ROOT)
    assert box == "urn:pulumi:dev::proj::batchiac:batch:Box::b"
    assert make_urn("dev", "proj", "x:y:Z", "c", box) == "urn:pulumi:dev::proj::batchiac:batch:Box$x:y:Z::c"


def test_parts() -> None:
    """A URN comes apart, also where the name has colons."""
    urn = "urn:pulumi:dev::proj::a:b:C$x:y:Z::odd::name"
    assert str(parse_urn(urn)) == urn
    assert (name_of(urn), type_of(urn)) == ("odd::name", "x:y:Z")
    with pytest.raises(ValueError, match="not a URN"):
        parse_urn("arn:aws:x")


def test_inherited_alias() -> None:
    """A child follows its parent's old name where its own was made from it."""
    old = "urn:pulumi:dev::proj::t:t:P::old"
    assert inherited_alias("new-x", "t:t:C", "new", old) == "urn:pulumi:dev::proj::t:t:P$t:t:C::old-x"
    assert inherited_alias("other", "t:t:C", "new", old) == "urn:pulumi:dev::proj::t:t:P$t:t:C::other"


def test_words_for_people() -> None:
    """Short types, and the engine's own providers."""
    assert short_type("pulumi-python:dynamic/batch:JobQueue") == "batch:JobQueue"
    assert is_default_provider("urn:pulumi:dev::proj::pulumi:providers:pulumi-python::default")
    assert not is_default_provider("urn:pulumi:dev::proj::pulumi:providers:aws::mine")
