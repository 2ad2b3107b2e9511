"""The trace: commands in and effects out, as JSON lines; and the check that replays one.

The first line says how the engine was made; then each line is a command as it was given or an effect as it was told, in
order; the last says when it ended. Looking (advance, views) is not in it, because it changes nothing. Whoever has the
file and the same behaviour policy gets the same lines again: `replay` does so and says where they differ.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any, TextIO, get_type_hints

import attrs

from batchiac.engine.effects import Effect
from batchiac.engine.engine import DEFAULT_START_MS, Engine
from batchiac.engine.policies.behaviour import Behaviour
from batchiac.engine.refusals import EngineRefusal
from batchiac.engine.settings import EngineSettings
from batchiac.engine.world import PriceOf
from batchiac.errors import WorkloadError
from batchiac.model.instance_type import Catalogue, InstanceType

FORMAT = 1

COMMANDS = (
    "create_compute_environment",
    "update_compute_environment",
    "delete_compute_environment",
    "invalidate_compute_environment",
    "register_instance",
    "deregister_instance",
    "interrupt_instance",
    "set_capacity",
    "create_job_queue",
    "update_job_queue",
    "delete_job_queue",
    "create_consumable_resource",
    "set_consumable_quantity",
    "delete_consumable_resource",
    "submit_job",
    "cancel_job",
    "terminate_job",
    "begin_attempt",
    "finish_attempt",
    "hold_deletion",
    "set_service_role_permissions",
    "change_settings",
)
"""Every method of Engine that changes something."""


@cache
def _converter() -> Any:
    import cattrs

    converter = cattrs.Converter()
    # Read-only mappings (the models' defaults) and dicts are written alike.
    converter.register_unstructure_hook_func(lambda kind: getattr(kind, "__origin__", kind) is Mapping, dict)
    converter.register_unstructure_hook(type(_EMPTY), dict)
    return converter


_EMPTY = type.__dict__["__dict__"].__get__(object)  # a mappingproxy, whose type has no public name


def _line(facts: Mapping[str, Any]) -> str:
    return json.dumps(facts, separators=(",", ":"), ensure_ascii=False)


def effect_line(effect: Effect) -> str:
    """An effect as a line of the trace, without the newline."""
    return _line({"effect": type(effect).__name__, **attrs.asdict(effect)})


class TracedEngine(Engine):
    """An Engine that writes its trace. Close it (or use it in a `with`) to write the last line."""

    def __init__(
        self,
        out: TextIO,
        *,
        seed: int = 0,
        start_at_ms: int = DEFAULT_START_MS,
        settings: EngineSettings | None = None,
        instance_types: Mapping[str, InstanceType] | None = None,
        behaviour: Behaviour | None = None,
        price_usd_per_hour: PriceOf | None = None,
        region: str = "us-east-1",
        account: str = "123456789012",
    ) -> None:
        """As Engine; `out` gets the lines."""
        super().__init__(
            seed=seed,
            start_at_ms=start_at_ms,
            settings=settings,
            instance_types=instance_types,
            behaviour=behaviour,
            price_usd_per_hour=price_usd_per_hour,
            region=region,
            account=account,
        )
        self._out = out
        types = None if instance_types is None else [attrs.asdict(each) for each in instance_types.values()]
        self._write(
            {
                "format": FORMAT,
                "seed": seed,
                "start_at_ms": start_at_ms,
                "settings": attrs.asdict(self.settings),
                "instance_types": types,
                "region": region,
                "account": account,
            }
        )
        self.subscribe(self._hear)

    def _write(self, facts: Mapping[str, Any]) -> None:
        self._out.write(_line(facts) + "\n")

    def _hear(self, effect: Effect) -> None:
        self._out.write(effect_line(effect) + "\n")

    def close(self) -> None:
        """Write the last line; the stream stays open."""
        self._write({"end_ms": self.now_ms})

    def __enter__(self) -> TracedEngine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _traced(name: str) -> Callable[..., Any]:
    method = getattr(Engine, name)

    def command(self: TracedEngine, *arguments: Any, **named: Any) -> Any:
        written = {key: _converter().unstructure(value) for key, value in named.items()}
        self._write(
            {
                "command": name,
                "at_ms": self.now_ms,
                "arguments": [_converter().unstructure(each) for each in arguments],
                "named": written,
            }
        )
        try:
            return method(self, *arguments, **named)
        except EngineRefusal as refusal:
            self._write({"effect": "Refused", "message": refusal.message})
            raise

    command.__name__ = name
    command.__doc__ = method.__doc__
    return command


for _name in COMMANDS:
    setattr(TracedEngine, _name, _traced(_name))


def replay(
    lines: Iterable[str],
    *,
    behaviour: Behaviour | None = None,
    price: PriceOf | None = None,
    step_ms: int | None = None,
) -> int:
    """Run a trace again and compare; how many effects (and refusals) agreed.

    Args:
        behaviour, price: those of the first run; a trace does not hold them.
        step_ms: advance by so much at a time, as somebody who polls would; the result must be the same.

    Raises:
        WorkloadError: the file is no trace, or an effect differs: the message has its line number, what the trace says
            and what happened now.
    """
    rows = [json.loads(line) for line in lines]
    if not rows or rows[0].get("format") != FORMAT:
        raise WorkloadError(f"not a trace of format {FORMAT}: its first line must say so")
    head = rows[0]
    types = head["instance_types"]
    engine = Engine(
        seed=head["seed"],
        start_at_ms=head["start_at_ms"],
        settings=EngineSettings(**head["settings"]),
        instance_types=None if types is None else Catalogue.of(InstanceType(**each) for each in types),
        behaviour=behaviour,
        price_usd_per_hour=price,
        region=head["region"],
        account=head["account"],
    )
    seen: list[str] = []
    engine.subscribe(lambda effect: seen.append(effect_line(effect)))
    expected = [(number, _line(row)) for number, row in enumerate(rows, 1) if "effect" in row]
    for row in rows[1:]:
        if "command" in row:
            _advance(engine, row["at_ms"], step_ms)
            _give(engine, row, seen)
        elif "end_ms" in row:
            _advance(engine, row["end_ms"], step_ms)
    for (number, told), happened in zip(expected, seen, strict=False):
        if told != happened:
            raise WorkloadError(f"line {number} of the trace says {told}; the replay gave {happened}")
    if len(expected) != len(seen):
        raise WorkloadError(f"the trace has {len(expected)} effects; the replay gave {len(seen)}")
    return len(seen)


def _advance(engine: Engine, until_ms: int, step_ms: int | None) -> None:
    while step_ms is not None and engine.now_ms + step_ms < until_ms:
        engine.advance_to(engine.now_ms + step_ms)
    engine.advance_to(until_ms)


def _give(engine: Engine, row: Mapping[str, Any], seen: list[str]) -> None:
    method = getattr(engine, row["command"]) if row["command"] in COMMANDS else None
    if method is None:
        raise WorkloadError(f"the trace has the command {row['command']!r}: known are {', '.join(COMMANDS)}")
    hints = get_type_hints(method)
    names = [name for name in hints if name != "return"]
    convert = _converter().structure
    arguments = [convert(value, hints[name]) for name, value in zip(names, row["arguments"], strict=False)]
    named = {name: convert(value, hints[name]) for name, value in row["named"].items()}
    try:
        method(*arguments, **named)
    except EngineRefusal as refusal:
        seen.append(_line({"effect": "Refused", "message": refusal.message}))
