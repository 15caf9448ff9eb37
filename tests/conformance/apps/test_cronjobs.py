"""What becomes of a CronJob's next Job while the last one runs; the minutes pass on a clock of the test's own."""

import asyncio

from corral.testing.clock import VirtualClock
from corral.testing.control import running_control
from corral.testing.server import running_server

#: Half a minute before a full one.
BEGIN_S = 1_800_000_000.0 - 30
TEMPLATE = {"spec": {"restartPolicy": "OnFailure", "containers": [{"name": "c", "image": "registry.example/c:1"}]}}


def _cron_job(policy: str) -> dict:
    spec = {"schedule": "*/1 * * * *", "concurrencyPolicy": policy, "jobTemplate": {"spec": {"template": TEMPLATE}}}
    return {"metadata": {"name": policy.lower(), "namespace": "default"}, "spec": spec}


def test_the_next_job_while_the_last_one_runs(tmp_path) -> None:
    """[sig-apps] CronJob should schedule multiple jobs concurrently [Conformance]
    [sig-apps] CronJob should not schedule new jobs when ForbidConcurrent [Slow] [Conformance]
    [sig-apps] CronJob should replace jobs when ReplaceConcurrent [Conformance]
    """

    async def story() -> None:
        clock = VirtualClock(BEGIN_S)
        async with (
            asyncio.timeout(30),
            running_server(tmp_path, clock=clock) as server,
            running_control(server, clock) as control,
        ):
            client = control.client
            for policy in ("Allow", "Forbid", "Replace"):
                await client.create("cronjobs.batch", _cron_job(policy))
            await control.until(lambda: len(control.objects("cronjobs.batch", "default")) == 3)

            def active(policy: str) -> list[str]:
                """The names of the running jobs, as the CronJob's status has them."""
                found = control.informers.get("cronjobs.batch").get("default", policy.lower())
                return [job["name"] for job in found["status"].get("active") or ()]

            def jobs(policy: str) -> list[str]:
                names = [job["metadata"]["name"] for job in control.objects("jobs.batch", "default")]
                return sorted(name for name in names if name.startswith(policy.lower() + "-"))

            await clock.advance(31)
            first = {}
            for policy in ("Allow", "Forbid", "Replace"):
                await control.until(lambda policy=policy: len(active(policy)) == 1 == len(jobs(policy)))
                first[policy] = jobs(policy)
            await clock.advance(60)
            await control.until(lambda: len(active("Allow")) == 2 == len(jobs("Allow")))
            await control.until(
                lambda: len(active("Replace")) == 1 and jobs("Replace") == active("Replace") != first["Replace"]
            )
            told: list[str] = []
            while not told:  # Events are written a moment later.
                await clock.advance(0.1)
                events = await client.list("events", "default", field_selector="reason=JobAlreadyActive")
                told = [item.object["involvedObject"]["name"] for item in events.items]
            assert told == ["forbid"]
            assert jobs("Forbid") == active("Forbid") == first["Forbid"]

    asyncio.run(story())
