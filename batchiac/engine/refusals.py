"""What the engine says no to, in AWS's words where they are known. The local stack turns them into API errors."""

from __future__ import annotations

from string import Formatter

from attrs import fields, frozen

from batchiac.errors import UserError


@frozen(kw_only=True)
class Messages:
    """Texts of refusals for which no document gives one: our words, or those of real accounts where somebody showed
    them in public. Each may be another one here, with the names in braces that its default has. Decision 0116.

    Attributes:
        queue_not_found: as seen in public.
        delete_enabled_environment: also of a queue; peers' replica of the service's text.
    """

    queue_not_found: str = "JobQueue {queue} not found."
    queue_not_enabled: str = "JobQueue {queue} is {state}: jobs are accepted when it is ENABLED."
    dependency_not_found: str = "Job {job} not found: a dependency must name an existing job."
    sequential_outside_array: str = "A SEQUENTIAL dependency is for an array job and names no job id."
    n_to_n_sizes: str = "An N_TO_N dependency needs two array jobs of one size: {job} has {theirs}, this job {own}."
    dependency_on_child: str = "A job cannot depend on the child {job}: name its parent {parent}."
    array_of_gangs: str = "A multi-node parallel job cannot be an array job: leave arrayProperties out."
    share_forbidden: str = "shareIdentifier cannot be given: job queue {queue} has no fair share policy."
    share_required: str = "shareIdentifier is required: job queue {queue} has a scheduling policy."
    delete_enabled_environment: str = "Cannot delete, state must be DISABLED"
    delete_enabled_queue: str = "Cannot delete, state must be DISABLED"

    def __attrs_post_init__(self) -> None:
        """Raises: ValueError: a text has a name in braces that nothing is given for."""
        for each in fields(type(self)):
            allowed, asked = _names(each.default), _names(getattr(self, each.name))
            if not asked <= allowed:
                words = ", ".join(f"{{{name}}}" for name in sorted(allowed)) or "none"
                raise ValueError(
                    f"Messages.{each.name} has {', '.join(sorted(asked - allowed))!r} in braces: allowed are {words}"
                )


def _names(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


class EngineRefusal(UserError):  # noqa: N818  STYLE's word
    """A command was refused and nothing was changed. The message is what AWS answers (ClientException, HTTP 400)."""


class NotFoundRefusal(EngineRefusal):
    """What the command names does not exist."""


class ExistsRefusal(EngineRefusal):
    """The name is taken."""


class ReferencedRefusal(EngineRefusal):
    """A compute environment is still in a queue's order (a queue in DELETING counts)."""


class BusyRefusal(EngineRefusal):
    """The resource is being created, updated or deleted."""


class StateRefusal(EngineRefusal):
    """The resource is in a state that does not allow the command (ENABLED when deleted, a DISABLED queue)."""


class InvalidRefusal(EngineRefusal):
    """The request contradicts itself or what exists (dependencies, shares, arrays)."""
