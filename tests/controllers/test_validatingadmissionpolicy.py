"""The types of policies' expressions are checked."""

import asyncio

from tests.server.admission.test_policies import POLICIES, policy, rules
from tests.server.admission.webhooks import DEFINITIONS, definition, version

from corral.testing.control import running_control
from corral.testing.server import running_server


def test_the_status_says_what_is_doubtful(tmp_path):
    properties = {"spec": {"type": "object", "properties": {"size": {"type": "integer"}}}}
    match = {"resourceRules": rules()["resourceRules"] + rules("crontabs", "stable.example.com")["resourceRules"]}

    async def story():
        async with running_server(tmp_path) as server, running_control(server) as control:
            await control.client.create(DEFINITIONS, definition(version("v1", storage=True, properties=properties)))
            made = policy("has(object.spec)", "object.spec.replicas > 1", "object.metadata.name == 'x'", match=match)
            await control.client.create(POLICIES, made)

            def status(generation):
                (found,) = control.objects(POLICIES) or [{}]
                status = found.get("status") or {}
                return status if status.get("observedGeneration") == generation else None

            await control.until(lambda: status(1))
            (warning,) = status(1)["typeChecking"]["expressionWarnings"]
            assert warning["fieldRef"] == "spec.validations[1].expression"
            intro = "stable.example.com/v1, Kind=CronTab: ERROR: <input>:1:12: undefined field 'replicas'"
            assert warning["warning"].startswith(intro)
            await control.client.patch(POLICIES, "p", {"spec": {"validations": [{"expression": "has(object.spec)"}]}})
            await control.until(lambda: status(2))
            assert "expressionWarnings" not in status(2)["typeChecking"]

    asyncio.run(story())
