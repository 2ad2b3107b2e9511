"""What a deletion costs in jobs is counted and named before it is done, and done in the order that loses least."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from import_world import ImportWorld

from batchiac.cli import session
from batchiac.cli.main import main
from batchiac.deploy import Plan, destroy, up
from batchiac.deploy.render.lines import plan_lines
from batchiac.deploy.steps import EndedJobs
from batchiac.errors import UserError
from batchiac.testing import local_stack

PROGRAM = """
network = batch.Network("net")
roles = batch.Roles("roles")
first = batch.ManagedComputeEnvironment("first", network=network, roles=roles, instance_types=["c5"], max_vcpus=4)
second = batch.ManagedComputeEnvironment("second", network=network, roles=roles, instance_types=["c5"], max_vcpus=64)
batch.JobQueue("queue", priority=1, compute_environments=[first, second])
container = batch.Container("busybox", vcpus=1, memory_mib=512, command=["sleep", "100000"])
batch.ContainerJobDefinition("job", container=container)
"""


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ImportWorld]:
    """The program deployed, three jobs and an array running; tests leave it as they found it."""
    with local_stack() as aws:
        world = ImportWorld(tmp_path_factory.mktemp("busy") / "project", aws)
        deploy(world)
        yield world


def deploy(world: ImportWorld) -> None:
    world.write(PROGRAM)
    world.up()
    assert planned_destroy(world).ended == EndedJobs()
    submit(world, "a", "b", "c")
    submit(world, "sweep", arrayProperties={"size": 20})


def submit(world: ImportWorld, *names: str, **more: Any) -> None:
    ids = {state.name: state.id for state in world.resources()}
    for name in names:
        world.batch.submit_job(jobName=name, jobQueue=ids["queue"], jobDefinition=ids["job"], **more)
    world.aws.clock.advance(600)


def planned_destroy(world: ImportWorld) -> Plan:
    """What destroy would do, as its caller is shown it."""
    shown: list[Plan] = []

    def refuse(plan: Plan) -> bool:
        shown.append(plan)
        return False

    assert destroy(world.stack(), world.handlers, approve=refuse) is None
    return shown[0]


def text_of(plan: Plan) -> str:
    return "\n".join(line.text for line in plan_lines(plan))


def test_destroy_counts_and_names_the_jobs_first(busy: ImportWorld) -> None:
    """Each job once, though its queue and its environment both hold it; an array is one; nothing is done yet."""
    busy.changing.clear()
    plan = planned_destroy(busy)
    assert plan.ended.number == 4
    assert set(plan.ended.names) == {"a", "b", "c", "sweep (array of 20)"}
    assert "ends 4 jobs: " in text_of(plan)
    notes = {step.urn.rpartition("::")[2]: step.notes for step in plan.steps if step.notes}
    assert notes["queue"][0].startswith("ends 4 jobs: ")
    assert notes["first"][0].startswith("interrupts, after up to 30 minutes, ")
    assert busy.changing == []


def test_up_counts_what_it_deletes(busy: ImportWorld) -> None:
    """A queue taken out of the program: the plan names its jobs; a preview asks AWS only with refresh."""
    busy.write(PROGRAM.replace('batch.JobQueue("queue"', 'batch.JobQueue("other"'))
    shown: list[Plan] = []

    def refuse(plan: Plan) -> bool:
        shown.append(plan)
        return False

    assert up(busy.stack(), busy.handlers, approve=refuse) is None
    assert shown[0].ended.number == 4
    assert "ends 4 jobs: " in text_of(shown[0])
    assert busy.preview(refresh=True).ended.number == 4
    assert busy.preview().ended.number == 0


RETAINED = """
def retained(arguments):
    if arguments.type_.endswith("dynamic/batch:JobQueue"):
        arguments.opts.retain_on_delete = True
    return pulumi.ResourceTransformationResult(arguments.props, arguments.opts)
pulumi.runtime.register_stack_transformation(retained)
"""


def test_what_is_kept_or_protected_ends_nothing(busy: ImportWorld) -> None:
    """A queue that is retained keeps its jobs; a protected one stops destroy and `up` before anything is asked."""
    busy.write(RETAINED + PROGRAM)
    busy.up()
    steps = [step for step in planned_destroy(busy).steps if step.urn.endswith("dynamic/batch:JobQueue::queue")]
    assert [step.notes for step in steps] == [()]
    assert steps[0].is_retained
    busy.write(PROGRAM.replace("[first, second])", "[first, second], opts=pulumi.ResourceOptions(protect=True))"))
    busy.up()
    busy.changing.clear()
    for act in (lambda: planned_destroy(busy), busy.destroy):
        with pytest.raises(UserError, match="queue: protected"):
            act()
    busy.write(PROGRAM.replace('batch.JobQueue("queue"', 'batch.JobQueue("other"'))
    with pytest.raises(UserError, match="queue: protected"):
        busy.up()
    assert busy.changing == []
    busy.write(PROGRAM)
    busy.up()


def test_no_to_the_question_with_the_number(
    busy: ImportWorld, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The prompt says how many resources and jobs; no changes nothing."""
    busy.changing.clear()
    asked = answering(busy, monkeypatch, answer=False)
    with pytest.raises(SystemExit):
        main(["destroy", "--cwd", str(busy.folder)])
    assert asked == [f"Delete {len(busy.stack().store.load().resources) - 1} resources of local and end 4 jobs?"]
    assert "Nothing was changed." in capsys.readouterr().out
    assert busy.changing == []


def answering(world: ImportWorld, monkeypatch: pytest.MonkeyPatch, *, answer: bool) -> list[str]:
    """The command line on this world, its question answered; the questions asked."""
    asked: list[str] = []

    def ask(question: str) -> bool:
        asked.append(question)
        return answer

    monkeypatch.setattr(session.Session, "handlers", lambda _session, token: world.handlers(token))
    monkeypatch.setattr(session.Session, "require_answer", lambda _session: None)
    monkeypatch.setattr("batchiac.deploy.deployment.require_safe", lambda *_, **__: None)
    monkeypatch.setattr("batchiac.cli.destroy.require_somebody", lambda **_: None)
    monkeypatch.setattr("batchiac.cli.destroy.ask", ask)
    return asked


def test_queues_are_disabled_first_and_roles_go_last(
    busy: ImportWorld, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asked, then queues disabled, their jobs ended, queues deleted, then environments, then what these act under."""
    busy.changing.clear()
    asked = answering(busy, monkeypatch, answer=True)
    with pytest.raises(SystemExit) as ended:
        main(["destroy", "--json", "--cwd", str(busy.folder)])
    assert ended.value.code == 0
    out, err = capsys.readouterr()
    assert asked[0].endswith("of local and end 4 jobs?")
    assert "ends 4 jobs: " in err
    assert json.loads(out)["batchiac"]["endedJobs"]["count"] == 4
    calls = list(busy.changing)
    assert busy.resources() == []
    deploy(busy)

    def first(method: str) -> int:
        return calls.index(method)

    def last(method: str) -> int:
        return len(calls) - 1 - calls[::-1].index(method)

    assert first("update_job_queue") < first("delete_job_queue")
    assert last("delete_job_queue") < first("update_compute_environment") < first("delete_compute_environment")
    for method in ("delete_role", "delete_instance_profile", "delete_security_group", "delete_subnet", "delete_vpc"):
        assert last("delete_compute_environment") < first(method), method


def test_words_for_many() -> None:
    """Five are named, the rest is counted; more than were listed is said to be more."""
    names = tuple(f"train-{number}" for number in range(1, 13))
    assert str(EndedJobs(12, names)) == "12 jobs: train-1, train-2, train-3, train-4, train-5 and 7 more"
    assert str(EndedJobs(1, ("one",))) == "1 job: one"
    assert EndedJobs(1000, names, is_more=True).count_text == "1,000 jobs or more"
