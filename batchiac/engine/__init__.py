"""The simulation: AWS Batch as documented, deterministic, in virtual time.

    engine = Engine(seed=7)
    engine.create_compute_environment(ComputeEnvironment("ce", resources=ComputeResources("EC2", 256, ...)))
    engine.run_until_idle()
    engine.create_job_queue(JobQueue("queue", 1, ("ce",)))
    job_id = engine.submit_job(JobRequest("job", "queue", JobDefinition("definition")))
    engine.run_until_idle()
    engine.describe_job(job_id).status

Rules of use:

- Time moves by `advance_to` and `run_until_idle` alone. There are no threads, no wall clock, no global randomness.
- A command acts at `now_ms`; what it causes comes at least 1 ms later. So the same commands at the same times give
  the same trace, byte for byte, however often anybody looks in between.
- Names, not ARNs, name environments and queues. Values are those of `batchiac.model`; there is no wire JSON here.
- Refusals (`batchiac.engine.refusals`) leave everything as it was; their text is AWS's where it is known.
- Views are made when asked for and never change. Listeners (`Engine.subscribe`) get every effect in order
  (`batchiac.engine.effects`), synchronously; they may read, and must not give commands.
- What jobs do is a `Behaviour` (`batchiac.engine.policies.behaviour`); what AWS leaves open is `EngineSettings`.

Where things are: kernel/ (events, randomness) · machine.py (every transition as a row) · world.py, records.py,
waiting.py, fleet.py, ledger.py (the state: all of it, a job's, a queue's, an environment's, jobs as columns) ·
requirements.py, submission.py, dependencies.py, jobs.py, attempts.py, timeouts.py, gangs.py, stopping.py,
retention.py (what happens to jobs) · service_*.py (service jobs, on a clock of the caller's) · queues.py, lanes.py,
fair_share.py, dispatch.py, filling.py, fastlane.py, placement.py, blocking.py (who is next, and where) ·
environments.py, hosts.py, scaling.py, policies/allocation/ (compute) · loop.py (time) · views.py, descriptions.py,
listings.py, status_index.py, trace.py (what can be seen) · interventions.py (what a caller makes happen) · engine.py,
queries.py (the door: commands, questions).
"""

from __future__ import annotations

from batchiac.engine.engine import DEFAULT_START_MS, Engine
from batchiac.engine.policies.behaviour import Behaviour, Fixed, FromTagsAndCommand, Outcome
from batchiac.engine.settings import EngineSettings

__all__ = [
    "DEFAULT_START_MS",
    "Behaviour",
    "Engine",
    "EngineSettings",
    "Fixed",
    "FromTagsAndCommand",
    "Outcome",
]
