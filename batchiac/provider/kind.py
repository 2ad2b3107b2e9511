"""What a kind of resource says of itself to the handler that all kinds share, and what it finds out with that."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

from batchiac.aws.door import Door
from batchiac.aws.wait import wait_until
from batchiac.model.handler import DiffResult, Properties
from batchiac.provider.identity import without_creating
from batchiac.provider.naming import AUTO_NAMED
from batchiac.provider.read_back import merge_read

SEEN_DEADLINE_S = 60.0

PLACE = ("identity", "region", AUTO_NAMED)
"""Input keys of ours that say whose and where a resource is; never sent to AWS and never a change in themselves."""


class Kind(ABC):
    """What a handler of one kind adds: how to make it, settle it, find it, change it and remove it."""

    kind: ClassVar[str]
    name_property: ClassVar[str] = ""
    """The input that holds the physical name; empty where AWS gives ids only."""
    id_output: ClassVar[str] = ""
    """The output that equals the id, where AWS answers to other names of the resource as well."""
    longest_name: ClassVar[int] = 128
    outlives: ClassVar[tuple[str, ...]] = ()
    """Kinds that are deleted before this one, whether or not a program says that they depend on it."""
    inputs: ClassVar[tuple[str, ...]]
    """Every top-level input beside `PLACE` and tags. Persistent."""
    own_inputs: ClassVar[frozenset[str]] = frozenset()
    """Those of the inputs that the Create API does not know: ours, or the Update API's. The rules do not see them."""
    outputs: ClassVar[tuple[str, ...]]
    """Every top-level output beside the inputs and `account`. Persistent."""

    was_creating: Callable[[Properties], bool]
    """True when its adapter knows of a run that died while it created these inputs; an engine that records a create
    before `confirm` never needs it."""
    is_held: Callable[[str, str], bool]
    """(identity, id): True when the stack's state has that id already, as that of any resource."""
    neighbours: Callable[[str, str], Iterable[Properties]]
    """(identity, kind): the outputs of every resource of that kind in the state of the stack that the identity names,
    as far as the adapter knows it."""

    def __init__(self, door: Door) -> None:
        self.door = door
        self.was_creating = lambda _inputs: False
        self.is_held = lambda _identity, _id: False
        self.neighbours = lambda _identity, _kind: ()

    @abstractmethod
    def diff(self, state: Properties, inputs: Properties) -> DiffResult:
        """Every changed property with what AWS does about it."""

    @abstractmethod
    def _make(self, inputs: Properties, tags: Mapping[str, str]) -> str:
        """Create with these tags in the call; return the id."""

    def _settle(self, resource_id: str, inputs: Properties) -> Mapping[str, Any] | None:
        """Wait, and do what needs calls of its own; safe to repeat.

        Returns:
            What `_find` would return now, where that was seen; None where it has to be asked.
        """
        return None

    @abstractmethod
    def _find(self, resource_id: str, state: Properties, *, whole: bool = True) -> dict[str, Any] | None:
        """Inputs (where AWS tells them), outputs and `tags` of what exists; None when it is gone.

        Args:
            whole: False when only the outputs are needed, so that calls for the rest can be spared.
        """

    @abstractmethod
    def _find_creating(self, inputs: Properties) -> Iterable[str]:
        """The ids of what carries the `batchiac:creating` tag of this identity."""

    @abstractmethod
    def _change(self, resource_id: str, state: Properties, inputs: Properties) -> Mapping[str, Any] | None:
        """Bring the resource from `state` to `inputs`; tags are done already.

        Returns:
            Outputs that AWS has answered and Describe may not show yet; None where a Describe tells them all.
        """

    @abstractmethod
    def _remove(self, resource_id: str, state: Properties) -> None:
        """Remove it and wait until it is gone."""

    def _finish(self, resource_id: str, state: Properties) -> None:  # noqa: B027  most kinds change within one call
        """Wait for what is under way, and do what an update does last."""

    @abstractmethod
    def _put_tags(self, resource_id: str, state: Properties, tags: Mapping[str, str]) -> None: ...

    @abstractmethod
    def _remove_tags(self, resource_id: str, state: Properties, keys: Iterable[str]) -> None: ...

    def _id_of(self, resource_id: str, found: Mapping[str, Any]) -> str:
        """The id that a state keeps, of what was asked for by another of its names."""
        return str(found.get(self.id_output, resource_id)) if self.id_output else resource_id

    def _is_sound(self, found: Mapping[str, Any]) -> bool:
        """False when what an interrupted create left is better removed than adopted."""
        return True

    def _shows(self, found: Mapping[str, Any], made: Mapping[str, Any]) -> bool:
        """True when what was found is at least as new as what was made."""
        return all(found.get(key) == each for key, each in made.items())

    def _candidates(self, inputs: Properties) -> Iterable[str]:
        """What `_find` takes for everything that could be it."""
        return (str(inputs[self.name_property]),)

    def _outputs(self, found: Mapping[str, Any]) -> dict[str, Any]:
        return {key: found[key] for key in self.outputs if key in found}

    def _place(self, properties: Properties) -> dict[str, Any]:
        return {key: properties[key] for key in PLACE if key in properties}

    def _merged(self, known: Properties, found: Mapping[str, Any]) -> dict[str, Any]:
        """The inputs that would create what was found, spelled as they are known where that means the same."""
        keys = (*self.inputs, "tags")
        known_inputs = {key: known[key] for key in keys if known.get(key) is not None}
        # What AWS does not mention is unset there, except what is ours alone.
        told = {key: found.get(key) for key in keys if key in found or key not in self.own_inputs}
        return merge_read(self.kind, known_inputs, told)

    def _left(self, inputs: Properties, found: Mapping[str, Any]) -> dict[str, Any]:
        """What an interrupted create left, as a state would hold it."""
        ours = {**found, "tags": without_creating(found.get("tags") or {})}
        return {**self._place(inputs), **self._merged(inputs, ours), **self._outputs(found)}

    def _state(
        self, resource_id: str, inputs: Properties, account: str, seen: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        if seen is None:
            seen = self.wait_until_seen(resource_id, inputs)
        return {**inputs, **self._outputs(seen), "account": account}

    def wait_until_seen(
        self, resource_id: str, inputs: Properties, made: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """The resource, without what takes calls of its own, when Describe knows it.

        Args:
            made: outputs that it has to show as well.
        """
        found: dict[str, Any] = {}

        def is_seen() -> bool:
            # AWS is eventually consistent: a describe may not yet know what a create just returned.
            nonlocal found
            found = self._find(resource_id, inputs, whole=False) or {}
            return bool(found) and (made is None or self._shows(found, made))

        wait_until(
            is_seen,
            what=f"{self.kind} {resource_id} to be seen{' as it was changed' if made else ''}",
            deadline_s=SEEN_DEADLINE_S,
            sleep=self.door.sleep,
            clock=self.door.clock,
        )
        return found

    def _is_as_wanted(self, found: Mapping[str, Any], inputs: Properties) -> bool:
        """True when what exists is in every input, tags too, what is wanted."""
        return not self.diff(self._left(inputs, found), inputs).changes

    def _change_tags(self, resource_id: str, state: Properties, inputs: Properties) -> None:
        old, new = state.get("tags") or {}, inputs.get("tags") or {}
        if put := {key: value for key, value in new.items() if old.get(key) != value}:
            self._put_tags(resource_id, state, put)
        if gone := [key for key in old if key not in new]:
            self._remove_tags(resource_id, state, gone)
