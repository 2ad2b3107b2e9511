"""What AWS's documents leave open is a setting that acts, with its default. With the records of the decisions."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

sys.path.insert(0, str(Path(__file__).parent))
from engine_stage import Stage

from batchiac.engine.refusals import EngineRefusal, Messages
from batchiac.engine.settings import EngineSettings, instant
from batchiac.local.installation import backend_of
from batchiac.model.compute_environment import ComputeResources
from batchiac.model.scheduling_policy import SchedulingPolicy
from batchiac.testing import local_stack

FOUR = ComputeResources("EC2", 4, instance_types=("c5.xlarge",))


def test_the_schedulers_tick_is_a_setting() -> None:
    """0, the default, dispatches at every change; n only at multiples of n.

    Source: AWS documents no tick; https://docs.aws.amazon.com/batch/latest/userguide/job_states.html ("as soon as
    sufficient resources are available"), read 2026-11-21; decision 0102.
    """
    assert EngineSettings().scheduler_tick_ms == 0
    for tick, apart in ((0, 10_000), (7_000, 14_000)):
        stage = Stage(resources=FOUR, settings=instant(scheduler_tick_ms=tick))
        jobs = [stage.submit(vcpus=4) for _ in range(2)]
        stage.finish()
        first, second = (stage.engine.describe_job(job).started_at_ms for job in jobs)
        assert second - first == apart
        assert not tick or second % tick == 0


def test_how_long_launches_and_pulls_take_are_settings() -> None:
    """Launch, then the image, then the container; each second job of an image finds it there.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/fargate.html ("30 seconds", "a few minutes"), read
    2026-11-21; decision 0103.
    """
    defaults = EngineSettings()
    assert (defaults.launch_ms, defaults.fargate_start_ms, defaults.image_pull_ms, defaults.container_start_ms) == (
        120_000, 30_000, 15_000, 0,
    )  # fmt: skip
    stage = Stage(settings=instant(launch_ms=60_000, image_pull_ms=20_000, container_start_ms=1_000))
    begun = stage.engine.now_ms
    first = stage.submit()
    stage.wait(100)
    second = stage.submit()
    ordered = stage.engine.now_ms
    stage.finish()
    started = [stage.engine.describe_job(job).started_at_ms for job in (first, second)]
    assert (started[0] - begun) // 1_000 == 80
    assert (started[1] - ordered) // 1_000 == 1


ORDERS: dict[str, tuple[tuple[set[str], str], ...]] = {
    "api": (
        ({"own", "override", "template"}, "override"),
        ({"own", "template"}, "own"),
        ({"template"}, "template"),
        ({"own", "template", "targeted"}, "own"),
    ),
    "guide": (
        ({"own", "override", "template"}, "own"),
        ({"override", "template"}, "override"),
        ({"template"}, "template"),
        ({"own", "override", "template", "targeted"}, "template"),
    ),
}


@pytest.mark.parametrize("precedence", ["api", "guide"])
def test_which_image_wins_is_a_setting(precedence: Any) -> None:
    """imageIdOverride over imageId, as the API reference has it; or the order of the guide's page.

    Source: botocore 1.44.5, batch Ec2Configuration.imageIdOverride;
    https://docs.aws.amazon.com/batch/latest/userguide/ami-selection-order.html, read 2026-11-21; decision 0118.
    """
    with local_stack(image_precedence=precedence) as stack:
        batch, ec2 = stack.client("batch"), stack.client("ec2")
        stack.client("iam").create_instance_profile(InstanceProfileName="hosts")
        known = [image["ImageId"] for image in ec2.describe_images(Owners=["amazon"])["Images"][:3]]
        images = dict(zip(("template", "own", "override"), known, strict=True))
        made = ec2.create_launch_template(LaunchTemplateName="lt", LaunchTemplateData={"ImageId": images["template"]})
        template = {"launchTemplateId": made["LaunchTemplate"]["LaunchTemplateId"]}
        resources: dict[str, Any] = {
            "type": "EC2",
            "allocationStrategy": "BEST_FIT_PROGRESSIVE",
            "minvCpus": 2,
            "maxvCpus": 4,
            "instanceTypes": ["m5.large"],
            "subnets": [ec2.describe_subnets()["Subnets"][0]["SubnetId"]],
            "securityGroupIds": [ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"]],
            "instanceRole": "hosts",
        }
        override = [{"imageType": "ECS_AL2023", "imageIdOverride": images["override"]}]
        targeted = {"overrides": [{**template, "targetInstanceTypes": ["m5.large"]}]}
        for number, (given, _) in enumerate(ORDERS[precedence]):
            asked = {**resources, "launchTemplate": targeted if "targeted" in given else template}
            asked |= {"imageId": images["own"]} if "own" in given else {}
            asked |= {"ec2Configuration": override} if "override" in given else {}
            batch.create_compute_environment(
                computeEnvironmentName=f"ce{number}", type="MANAGED", computeResources=asked
            )
        stack.clock.run_until_idle()
        engine = backend_of("123456789012", "us-east-1").engine
        for number, (given, wins) in enumerate(ORDERS[precedence]):
            (instance,) = engine.instances(f"ce{number}")
            (reservation,) = ec2.describe_instances(InstanceIds=[instance.id])["Reservations"]
            assert reservation["Instances"][0]["ImageId"] == images[wins], given


def test_texts_of_refusals_that_nobody_documents_are_settings() -> None:
    """Each has a default of ours, or one that was seen in public, and can be another.

    Source: no document gives them (facts SJ03 to SJ06, deletions); `JobQueue … not found.` as seen in public, read
    2026-11-21; decision 0116.
    """
    texts = Messages(
        queue_not_found="no {queue}",
        queue_not_enabled="{queue} is {state}",
        dependency_not_found="no {job}",
        sequential_outside_array="not sequential",
        n_to_n_sizes="{theirs} for {own}",
        share_forbidden="{queue}: no shares",
        share_required="{queue}: a share",
        delete_enabled_environment="environment is ENABLED",
        delete_enabled_queue="queue is ENABLED",
    )

    def said(settings: EngineSettings, queue: dict[str, Any]) -> list[str]:
        stage = Stage(settings=settings, queue=queue)
        share = {"share": "s"} if queue else {}
        array = stage.submit(size=3, **share)
        found = []
        for attempt in (
            lambda: stage.submit(queue="other"),
            lambda: stage.submit(after=["nobody"], **share),
            lambda: stage.submit(after=[("", "SEQUENTIAL")], **share),
            lambda: stage.submit(size=2, after=[(array, "N_TO_N")], **share),
            lambda: stage.submit(**({} if queue else {"share": "s"})),
            lambda: stage.engine.delete_compute_environment("ce"),
            lambda: stage.engine.delete_job_queue("q"),
        ):
            with pytest.raises(EngineRefusal) as refused:
                attempt()
            found.append(refused.value.message)
        return found

    fair = {"scheduling_policy": SchedulingPolicy("fair")}
    common = ["no other", "no nobody", "not sequential", "3 for 2"]
    end = ["environment is ENABLED", "queue is ENABLED"]
    assert said(evolve(instant(), messages=texts), {}) == [*common, "q: no shares", *end]
    assert said(evolve(instant(), messages=texts), fair) == [*common, "q: a share", *end]
    assert said(instant(), {})[0] == "JobQueue other not found."
    assert said(instant(), {})[-1] == "Cannot delete, state must be DISABLED"


def test_a_text_with_an_unknown_name_is_refused_at_once() -> None:
    """Not on the day that the refusal is due.

    Source: ours (decision 0116); https://docs.python.org/3/library/string.html#format-string-syntax, read 2026-11-21.
    """
    with pytest.raises(ValueError, match=r"Messages.queue_not_found has 'name' in braces: allowed are \{queue\}"):
        Messages(queue_not_found="no {name}")
