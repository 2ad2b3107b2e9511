"""What the API remembers of each resource: its wire form, ARN and tags. The engine keeps everything that moves.

A shelf holds the records of one kind by name. Requests name a resource by name or by ARN; an ARN of another kind,
account or region names nothing here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from attrs import define, field

from batchiac.local.api_error import ApiError, refusal
from batchiac.model.arn import BatchResource, batch_arn, quota_share_arn


@define(eq=False)
class Record:
    """One resource.

    Attributes:
        serial: grows with each resource of the account and region and is never used again: the order of every list.
        wire: what Describe shows, without what the engine or the tags add.
        created_at_ms: milliseconds since 1970 on the stack's clock.
    """

    serial: int
    name: str
    arn: str
    wire: dict[str, Any]
    tags: dict[str, str]
    created_at_ms: int = 0


@define(eq=False)
class DefinitionRecord(Record):
    """One revision of a job definition; `name` is without the revision.

    Attributes:
        status: ACTIVE or INACTIVE.
        inactive_since_ms: when it was deregistered; 0 while it is ACTIVE.
        values: the engine's definition for jobs without overrides, made at the first submission; with it the
            parameters that were filled in, because a job may bring others.
    """

    revision: int = 0
    status: str = "ACTIVE"
    inactive_since_ms: int = 0
    values: dict[Any, Any] = field(factory=dict)


class JobRecord:
    """One submitted job, as the API knows it.

    Attributes:
        queue_arn: of the queue; it stays when the queue is gone.
        request: SubmitJob's request.
        payload: the merged properties where the request overrides any, else None: those of the definition.
    """

    __slots__ = ("definition", "id", "payload", "queue_arn", "request", "serial", "tags")

    def __init__(
        self,
        serial: int,
        job_id: str,
        queue_arn: str,
        definition: DefinitionRecord,
        request: dict[str, Any],
        payload: dict[str, Any] | None,
        tags: dict[str, str],
    ) -> None:
        self.serial = serial
        self.id = job_id
        self.queue_arn = queue_arn
        self.definition = definition
        self.request = request
        self.payload = payload
        self.tags = tags

    @property
    def name(self) -> str:
        """jobName."""
        return str(self.request["jobName"])

    @property
    def parameters(self) -> dict[str, str]:
        """The definition's parameters with the job's over them."""
        return {**self.definition.wire["parameters"], **self.request.get("parameters", {})}


class Shelf:
    """The records of one kind in one account and region, in the order of their creation."""

    def __init__(self, kind: BatchResource, noun: str, account: str, region: str) -> None:
        self.kind = kind
        self.noun = noun
        self.account = account
        self.region = region
        self._records: dict[str, Record] = {}

    def arn_of(self, name: str) -> str:
        """The ARN that a resource of this name has here."""
        return batch_arn(self.kind, name, region=self.region, account=self.account)

    def name_of(self, name_or_arn: str) -> str:
        """The bare name; a foreign ARN comes back whole, and names nothing."""
        if not name_or_arn.startswith("arn:"):
            return name_or_arn
        prefix = self.arn_of("")
        return name_or_arn[len(prefix) :] if name_or_arn.startswith(prefix) else name_or_arn

    def find(self, name_or_arn: str) -> Record | None:
        """The record, None where there is none."""
        return self._records.get(self.name_of(name_or_arn))

    def read(self, name_or_arn: str) -> Record:
        """The record.

        Raises:
            ApiError: there is none.
        """
        record = self.find(name_or_arn)
        if record is None:
            raise self.missing(name_or_arn)
        return record

    def missing(self, name_or_arn: str) -> ApiError:
        """The refusal for a name that is not there.

        Assumption: real accounts answer `<arn> does not exist`; the documents give no text.
        """
        return refusal(f"{self.noun} {name_or_arn} does not exist")

    def add(self, record: Record) -> None:
        """Put a record on the shelf.

        Raises:
            ApiError: the name is taken.
        """
        if record.name in self._records:
            raise refusal("Object already exists")
        self._records[record.name] = record

    def remove(self, record: Record) -> None:
        """Take a record off the shelf; one that is not there any more is no error."""
        if self._records.get(record.name) is record:
            del self._records[record.name]

    def chosen(self, names_or_arns: list[str] | None) -> Iterator[tuple[int, Record]]:
        """(serial, record) of those named, or of all where nothing is named; unknown names are left out."""
        if not names_or_arns:
            records = list(self._records.values())
        else:
            names = dict.fromkeys(self.name_of(each) for each in names_or_arns)
            found = [self._records[name] for name in names if name in self._records]
            records = sorted(found, key=lambda record: record.serial)
        return ((record.serial, record) for record in records)

    def __iter__(self) -> Iterator[Record]:
        return iter(list(self._records.values()))

    def __len__(self) -> int:
        return len(self._records)

    def __contains__(self, name_or_arn: str) -> bool:
        return self.find(name_or_arn) is not None


class QuotaShareShelf(Shelf):
    """The quota shares, by `<queue>/<share>`: names are unique in their queue, which is a part of the ARN."""

    def arn_of(self, name: str) -> str:
        queue, _, share = name.partition("/")
        return quota_share_arn(queue, share, region=self.region, account=self.account)

    def name_of(self, name_or_arn: str) -> str:
        last = name_or_arn.rpartition(":")[2].split("/")
        if len(last) == 4:
            name = f"{last[1]}/{last[3]}"
            return name if name_or_arn == self.arn_of(name) else name_or_arn
        return name_or_arn
