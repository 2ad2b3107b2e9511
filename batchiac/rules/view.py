"""How a rule reads a resource: through a view that notices every value that is not yet known.

A rule's author writes as if everything were known. Reading a value that is UNKNOWN, or a container that holds one at
any depth, raises `NotYetKnown`; `each` notes it and goes on with the next element. Either way the framework turns
it into the verdict "unknown". Reading a value of another type than the rule can use raises `Misshapen`: the shape
check has its own finding for that, so the rule itself then says nothing.

Paths are those of paths.py. AWS treats a null member as absent, and so does the view.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from batchiac.model.unknown import UNKNOWN, contains_unknown
from batchiac.rules.paths import EACH, Token, join_path, parse_path

if TYPE_CHECKING:
    from batchiac.rules.finding import Declared
    from batchiac.rules.stack import Stack


class NotYetKnown(Exception):  # noqa: N818  control flow of the framework, not an error that anyone sees
    """The value at `path` is not known before something else exists."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


class Misshapen(Exception):  # noqa: N818  as above
    """The value at `path` is not what the API takes there (`wanted`: a word for the type)."""

    def __init__(self, path: str, wanted: str) -> None:
        super().__init__(path)
        self.path = path
        self.wanted = wanted


_OBJECT = (dict, Mapping)
"""What counts as an object. dict comes first because asking an abstract class costs six times as much."""


class View:
    """One resource, request, or part of either (`path` says which part), read-only.

    Attributes:
        path: where in the resource this view stands; empty for the whole.
        unseen: paths of unknown values that `each` and `views` met and skipped, shared with the parts' views.
        declared: the resource of a stack that this view shows; None outside check_stack.
        root: the declared name that paths begin with where another resource's rule reads this one; else empty.
    """

    __slots__ = ("_current", "_sure", "_value", "declared", "dialect", "path", "root", "stack", "unseen")

    def __init__(
        self,
        value: Any,
        *,
        path: str = "",
        dialect: str = "create",
        current: View | None = None,
        declared: Declared | None = None,
        stack: Stack | None = None,
        sure: bool | None = None,
        unseen: list[str] | None = None,
        root: str = "",
    ) -> None:
        self._value = value
        self._current = current
        self._sure = not contains_unknown(value) if sure is None else sure
        self.path = path
        self.root = root
        self.dialect = dialect
        self.declared = declared
        self.stack = stack
        self.unseen: list[str] = [] if unseen is None else unseen

    def absolute(self, path: str) -> str:
        """`path` as seen from the whole resource."""
        if not self.path:
            return path
        return self.path + path if path.startswith("[") else f"{self.path}.{path}"

    def raw(self, path: str) -> Any:
        """Whatever stands at `path`, UNKNOWN or holding it included; None when absent.

        Raises:
            NotYetKnown: a value *on the way* is unknown.
            Misshapen: a value on the way is not an object or a list.
        """
        value = self._value
        tokens = parse_path(path)
        for position, token in enumerate(tokens):
            # Most steps are from one dict to the next: this is where most of a check's time goes.
            if type(value) is dict and type(token) is str:
                value = value.get(token)
            elif value is None:
                return None
            elif value is UNKNOWN:
                raise NotYetKnown(self._spelled(tokens[:position]))
            elif isinstance(token, str):
                if not isinstance(value, _OBJECT):
                    raise Misshapen(self._spelled(tokens[:position]), "an object")
                value = value.get(token)
            else:
                if not isinstance(value, list | tuple):
                    raise Misshapen(self._spelled(tokens[:position]), "a list")
                value = value[token] if token < len(value) else None
        return value

    def _spelled(self, tokens: tuple[Token, ...]) -> str:
        """The path of these steps from this view."""
        return functools.reduce(join_path, tokens, self.path)

    def get(self, path: str, default: Any = None) -> Any:
        """The value at `path`, wholly known; `default` when absent."""
        value = self.raw(path)
        if value is None:
            return default
        if not self._sure and contains_unknown(value):
            raise NotYetKnown(self.absolute(path))
        return value

    def has(self, path: str) -> bool:
        """True when something stands at `path`; parts of it may be unknown.

        Raises:
            NotYetKnown: the value itself is unknown: it may turn out to be absent. One that refers to a resource of
                the stack will not.
        """
        value = self.raw(path)
        if value is UNKNOWN and self.referred(path) is None:
            raise NotYetKnown(self.absolute(path))
        return value is not None

    def referred(self, path: str) -> str | None:
        """The declared name of the resource that the value at `path` refers to; None where the program says none."""
        if self.declared is None or not self.declared.references:
            return None
        return self.declared.references.get(self._own(self.absolute(path)))

    def identity(self, path: str) -> Any:
        """The value at `path`, or for one that is not yet known a stand-in for what it refers to."""
        if self.raw(path) is UNKNOWN:
            name = self.referred(path)
            if name is not None:
                return f"the {path} of {name}"
        return self.get(path)

    def _own(self, at: str) -> str:
        """The path within this resource, without the name that a path of another's rule begins with."""
        return at.removeprefix(f"{self.root}.") if self.root else at

    def text(self, path: str, default: str = "") -> str:
        """The string at `path`."""
        value = self.get(path)
        if value is None:
            return default
        if not isinstance(value, str):
            raise Misshapen(self.absolute(path), "a string")
        return value

    def number(self, path: str) -> float | int | None:
        """The number at `path`; None when absent."""
        value = self.get(path)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Misshapen(self.absolute(path), "a number")
        return value

    def integer(self, path: str) -> int | None:
        """The integer at `path`; None when absent."""
        value = self.get(path)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int):
            raise Misshapen(self.absolute(path), "an integer")
        return value

    def texts(self, path: str) -> tuple[str, ...]:
        """The list of strings at `path`; empty when absent. Raises NotYetKnown when any element is unknown."""
        value = self.get(path)
        if value is None:
            return ()
        if not isinstance(value, list | tuple) or not all(isinstance(each, str) for each in value):
            raise Misshapen(self.absolute(path), "a list of strings")
        return tuple(value)

    def count(self, path: str) -> int:
        """How many elements the list or object at `path` has, known or not; 0 when absent."""
        value = self.raw(path)
        if value is UNKNOWN:
            raise NotYetKnown(self.absolute(path))
        if value is None:
            return 0
        if not isinstance(value, list | tuple | Mapping):
            raise Misshapen(self.absolute(path), "a list")
        return len(value)

    def keys(self, path: str = "") -> tuple[str, ...]:
        """The names of the members of the object at `path`; empty when absent."""
        value = self.raw(path)
        if value is UNKNOWN:
            raise NotYetKnown(self.absolute(path))
        if value is None:
            return ()
        if not isinstance(value, _OBJECT):
            raise Misshapen(self.absolute(path), "an object")
        return tuple(key for key, each in value.items() if each is not None)

    def views(self, path: str) -> Iterator[View]:
        """A view of each element of the list at `path`. Unknown elements are noted and skipped."""
        value = self.raw(path)
        if value is UNKNOWN:
            raise NotYetKnown(self.absolute(path))
        if value is None:
            return
        if not isinstance(value, list | tuple):
            raise Misshapen(self.absolute(path), "a list")
        for index, each in enumerate(value):
            at = f"{self.absolute(path)}[{index}]"
            if each is UNKNOWN:
                self.unseen.append(at)
            elif each is not None:
                yield self._part(each, at)

    def part(self, path: str) -> View:
        """A view of the object at `path`, of nothing when absent."""
        value = self.raw(path)
        if value is UNKNOWN:
            raise NotYetKnown(self.absolute(path))
        return self._part({} if value is None else value, self.absolute(path))

    def each(self, path: str) -> Iterator[tuple[str, Any]]:
        """(path, value) of every present and wholly known value; unknown ones are noted and skipped.

        `path` may hold `[]`. Elements on the way that are not of the right type are skipped: they have their own
        finding.
        """
        yield from self._each(self._value, self.path, parse_path(path), 0)

    def _each(self, value: Any, at: str, tokens: tuple[Token, ...], position: int) -> Iterator[tuple[str, Any]]:
        while position < len(tokens):
            if value is None:
                return
            if value is UNKNOWN:
                self.unseen.append(at)
                return
            token = tokens[position]
            position += 1
            if isinstance(token, str):
                if not isinstance(value, _OBJECT):
                    return
                value = value.get(token)
                at = join_path(at, token)
            elif not isinstance(value, list | tuple):
                return
            elif token == EACH:
                for index, element in enumerate(value):
                    yield from self._each(element, f"{at}[{index}]", tokens, position)
                return
            else:
                value = value[token] if token < len(value) else None
                at = join_path(at, token)
        if value is None:
            return
        if not self._sure and contains_unknown(value):
            self.unseen.append(at)
            return
        yield at, value

    def parents(self, path: str) -> Iterator[tuple[View, str]]:
        """(view of the object that should hold it, last name) for each place where `path` may stand.

        An object on the way that is absent yields nothing: whatever requires *it* is another rule.
        """
        before, _, last = path.rpartition(".")
        if not before:
            yield self, last
            return
        for at, value in self._objects(self._value, self.path, parse_path(before), 0):
            yield self._part(value, at), last

    def _objects(self, value: Any, at: str, tokens: tuple[Token, ...], position: int) -> Iterator[tuple[str, Any]]:
        if value is UNKNOWN:
            self.unseen.append(at)
        elif position == len(tokens):
            if isinstance(value, _OBJECT):
                yield at, value
        else:
            token = tokens[position]
            if isinstance(token, str):
                if isinstance(value, _OBJECT):
                    yield from self._objects(value.get(token), join_path(at, token), tokens, position + 1)
            elif isinstance(value, list | tuple):
                for index, element in enumerate(value):
                    if token in (EACH, index):
                        yield from self._objects(element, f"{at}[{index}]", tokens, position + 1)

    @property
    def current(self) -> View:
        """The resource as it is now, for an update request.

        Raises:
            NotYetKnown: nobody said what it is (a request linted on its own).
        """
        if self._current is None:
            raise NotYetKnown("the resource as it is now")
        return self._current

    def effective(self, path: str) -> Any:
        """What `path` will be: for an update request that does not name it, what it is now."""
        value = self.get(path)
        if value is None and self.dialect == "update":
            return self.current.get(path)
        return value

    def effective_text(self, path: str, default: str = "") -> str:
        """The string that `path` will be."""
        value = self.effective(path)
        if value is None:
            return default
        if not isinstance(value, str):
            raise Misshapen(self.absolute(path), "a string")
        return value

    def refer(self, path: str, kind: str) -> View | None:
        """The declared resource of `kind` that the value at `path` leads to; None when it is not of this stack."""
        if self.stack is None or self.declared is None:
            return None
        found = self.stack.find(self.declared, self._own(self.absolute(path)), self.raw(path), kind)
        return None if found is None else self.stack.view(found, self.unseen)

    def _part(self, value: Any, at: str) -> View:
        return View(
            value,
            path=at,
            dialect=self.dialect,
            current=self._current,
            declared=self.declared,
            stack=self.stack,
            sure=self._sure,
            unseen=self.unseen,
            root=self.root,
        )
