"""The one place that opens a foreign file, with limits that hold however hostile the file is.

A document is a regular file (or standard input), UTF-8, JSON or YAML, of a bounded size, depth and number of nodes,
without text or numbers that no report could hold. Everything else ends in one sentence. The limits keep the worst
document (16 MiB of empty lists) under 10 s and 1 GiB:

    JSON  16 MiB   an empty list costs some 80 bytes for the 3 that it takes in the file
    YAML   2 MiB   CloudFormation itself takes 1 MB (Source: docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/
                   cloudformation-limits.html, "Template body size in an S3 object"), and YAML is slower to read
    values 1,000,000  what a plan of some 4,000 resources holds; checking them takes the time, not reading them
    depth  100     no API of AWS Batch nests deeper than 12; the rest is room for modules within modules
"""

from __future__ import annotations

import json
import math
import os
import stat
import sys
from pathlib import Path
from typing import Any, NoReturn

from attrs import frozen

from batchiac.errors import UserError

MAX_JSON_BYTES = 16 * 1024 * 1024
MAX_YAML_BYTES = 2 * 1024 * 1024
MAX_DEPTH = 100
MAX_VALUES = 1_000_000


@frozen
class Parsed:
    """What a file holds.

    Attributes:
        name: the path as the user wrote it, `-` for standard input.
        text: the whole text.
        value: JSON values; a YAML template's intrinsics are in their long form (`{"Fn::Sub": …}`).
        syntax: `JSON` or `YAML`.
    """

    name: str
    text: str
    value: Any
    syntax: str


def read_file(path: str) -> Parsed:
    """Everything that the JSON or YAML file at `path` says (`-`: standard input).

    Raises:
        UserError: no such file, not a regular file, too big, not UTF-8, neither JSON nor YAML, too deep, a YAML tag
            that is not CloudFormation's, or more nodes than any template has.
    """
    name = "standard input" if path == "-" else path
    data = _read_bytes(path, name)
    text = _decode(data, name)
    head = text.lstrip()[:1]
    if not head:
        raise UserError(
            f"{name} is empty: give a Pulumi preview, a Terraform plan, a CloudFormation template or a request"
        )
    if head in "{[":
        return Parsed(path, text, require_bounded(_parse_json(text, name), name), "JSON")
    if len(data) > MAX_YAML_BYTES:
        raise UserError(
            f"{name} has {mib(len(data))} and is not JSON: at most {mib(MAX_YAML_BYTES)} of YAML are read,"
            " and CloudFormation takes 1 MB"
        )
    # YAML is read only when a file needs it: PyYAML costs a tenth of a second that JSON need not pay.
    from batchiac.rules.read.yaml_text import parse_yaml

    return Parsed(path, text, require_bounded(parse_yaml(text, name, MAX_DEPTH), name), "YAML")


def mib(size: int) -> str:
    """`size` bytes for a sentence: 2097152 → `2.0 MiB`."""
    return f"{size / (1024 * 1024):.1f} MiB"


def _read_bytes(path: str, name: str) -> bytes:
    if path == "-":
        data = sys.stdin.buffer.read(MAX_JSON_BYTES + 1)
    else:
        try:
            # Opened without waiting: a named pipe without a writer must not hang the run.
            handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else "it is not a path"
            raise UserError(f"cannot read {path!r}: {reason}; give the path of a file") from error
        # A file object of its own refuses a directory before it can be asked what it is.
        try:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise UserError(f"{path} is not a regular file: give a file, or - for standard input")
            with os.fdopen(handle, "rb", closefd=False) as stream:
                data = stream.read(MAX_JSON_BYTES + 1)
        except OSError as error:
            raise UserError(f"cannot read {path}: {error.strerror}") from error
        finally:
            os.close(handle)
    if len(data) > MAX_JSON_BYTES:
        size = "" if path == "-" else f"{mib(Path(path).stat().st_size)}, "
        raise UserError(
            f"{name} has {size}more than the {mib(MAX_JSON_BYTES)} that are read: check one stack at a time"
        )
    return data


def _decode(data: bytes, name: str) -> str:
    if data[:4] == b"PK\x03\x04":
        raise UserError(f"{name} is a binary Terraform plan: give the output of `terraform show -json {name}`")
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        # What PowerShell's `>` writes.
        raise UserError(f"{name} is UTF-16: save it as UTF-8")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        found = f"byte {error.start} is 0x{data[error.start]:02x}"
        raise UserError(f"{name} is not UTF-8 ({found}): save it as UTF-8") from error
    if "\x00" in text:
        raise UserError(f"{name} holds a NUL character: it is not a text file")
    return text


def _parse_json(text: str, name: str) -> Any:
    def refuse_constant(word: str) -> NoReturn:
        raise UserError(f"{name} holds {word}, which is no number in JSON")

    try:
        return json.loads(text, parse_constant=refuse_constant)
    except json.JSONDecodeError as error:
        if error.msg == "Extra data":
            raise UserError(
                f"{name} holds more than one JSON document (line {error.lineno}): a log of events is not a plan;"
                " use `pulumi preview --json` or `terraform show -json PLAN`"
            ) from error
        raise UserError(f"{name} is not JSON: {error.msg} at line {error.lineno}, column {error.colno}") from error
    except RecursionError as error:
        raise too_deep(name) from error
    except ValueError as error:  # more digits than Python converts
        raise UserError(f"{name} holds a number of more digits than any API takes") from error


def too_deep(name: str) -> UserError:
    """The refusal of a document that nests too deeply."""
    return UserError(f"{name} nests deeper than {MAX_DEPTH} levels: no plan, template or request does")


def require_bounded(value: Any, name: str) -> Any:
    """`value`, when it is not too deep and every text and number in it can be written somewhere.

    Raises:
        UserError: deeper than `MAX_DEPTH`, more than `MAX_VALUES` values, half a surrogate pair, an infinite number,
            or one beyond 64 bits.
    """
    level: list[Any] = [(value,)]
    values = 0
    for _ in range(MAX_DEPTH + 1):
        below: list[Any] = []
        for container in level:
            values += len(container)
            if values > MAX_VALUES:
                raise UserError(f"{name} holds more than {MAX_VALUES:,} values: check one stack at a time")
            inside = container
            if isinstance(container, dict):
                inside = container.values()
                for key in container:
                    _require_writable(key, name)
            for each in inside:
                kind = type(each)
                if kind is str or kind is int or kind is float:
                    _require_writable(each, name)
                elif kind is dict or kind is list:
                    below.append(each)
        if not below:
            return value
        level = below
    raise too_deep(name)


def _require_writable(value: str | int | float, name: str) -> None:
    if isinstance(value, str):
        if value.isascii():
            return
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise UserError(
                f"{name} holds half of a surrogate pair, which is no character: correct the text"
            ) from error
    elif (isinstance(value, float) and not math.isfinite(value)) or abs(value) > 2**64:
        raise UserError(f"{name} holds a number beyond 64 bits, which no API takes")
