"""CronJobs."""

import re
from zoneinfo import ZoneInfo

from corral.api.cronschedule import ScheduleError, parse
from corral.api.durations import elapsed
from corral.api.fields import Errors, Path
from corral.api.kinds import rows
from corral.api.kinds.job import check_job_spec
from corral.api.kinds.podspec import default_template
from corral.api.kinds.podwarnings import name_warnings, pod_warnings
from corral.api.kinds.workload import check_not_negative, default_fields
from corral.api.objects import Object
from corral.api.rules import Rules

#: The controller appends 11 characters to make a job's name, which is a label of 63.
NAME_MAX_CHARS = 52
POLICIES = ("Allow", "Forbid", "Replace")


class CronJobRules(Rules):
    """Rules of batch/v1 CronJob."""

    has_generation = True
    has_status = True

    def default(self, obj: Object) -> None:
        """Concurrent runs allowed, three successes and one failure kept."""
        spec = obj.setdefault("spec", {})
        if not spec.get("concurrencyPolicy"):
            spec["concurrencyPolicy"] = "Allow"
        default_fields(spec, suspend=False, successfulJobsHistoryLimit=3, failedJobsHistoryLimit=1)
        template = spec.setdefault("jobTemplate", {})
        template.setdefault("metadata", {})
        job = template.setdefault("spec", {})
        for rule in (job.get("podFailurePolicy") or {}).get("rules") or ():
            for pattern in rule.get("onPodConditions") or ():
                if not pattern.get("status"):
                    pattern["status"] = "True"
        default_template(job.setdefault("template", {}))

    def validate_create(self, obj: Object) -> Errors:
        """The spec, and a name that leaves room."""
        errs = Errors()
        _check_spec(errs, obj["spec"], None)
        name = obj["metadata"].get("name", "")
        if len(name) > NAME_MAX_CHARS:
            errs.invalid("metadata.name", name, f"must be no more than {NAME_MAX_CHARS} characters")
        return errs

    def validate_update(self, new: Object, old: Object, subresource: str) -> Errors:
        """The spec."""
        errs = Errors()
        if not subresource:
            _check_spec(errs, new["spec"], old["spec"])
        return errs

    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        """Those of the pods' template, if it is new."""
        job = obj["spec"]["jobTemplate"].get("spec") or {}
        template = job.get("template") or {}
        if old is not None and old["spec"]["jobTemplate"].get("spec", {}).get("template") == template:
            return []
        found = name_warnings(obj) if old is None else []
        return found + pod_warnings(template, Path("spec").child("jobTemplate", "spec", "template"))

    def cells(self, obj: Object, now_s: float) -> list[object]:
        """The row."""
        spec, status = obj["spec"], obj.get("status") or {}
        job = (spec.get("jobTemplate") or {}).get("spec") or {}
        last, suspend = status.get("lastScheduleTime"), spec.get("suspend")
        return [
            rows.name(obj),
            spec.get("schedule", ""),
            spec.get("timeZone") or "<none>",
            "<unset>" if suspend is None else str(bool(suspend)),
            len(status.get("active") or ()),
            elapsed(last, now_s) if last else "<none>",
            rows.age(obj, now_s),
            *rows.containers((job.get("template") or {}).get("spec")),
            rows.selector(job.get("selector")),
        ]


def _check_spec(errs: Errors, spec: Object, old: Object | None) -> None:
    path = Path("spec")
    schedule, zone = spec.get("schedule", ""), spec.get("timeZone")
    if not schedule:
        errs.required(path.child("schedule"))
    else:
        _check_schedule(errs, schedule, zone, old is not None and "TZ" in old.get("schedule", ""), path.child("schedule"))
    check_not_negative(errs, spec, path, "startingDeadlineSeconds")
    if zone is not None and (old is None or old.get("timeZone") != zone):
        _check_zone(errs, zone, path.child("timeZone"))
    policy = spec.get("concurrencyPolicy", "")
    if not policy:
        errs.required(path.child("concurrencyPolicy"))
    elif policy not in POLICIES:
        errs.unsupported(path.child("concurrencyPolicy"), policy, POLICIES)
    job, at = (spec.get("jobTemplate") or {}).get("spec") or {}, path.child("jobTemplate", "spec")
    check_job_spec(errs, job, at)
    if job.get("selector") is not None:
        errs.invalid(at.child("selector"), job["selector"], "`selector` will be auto-generated")
    if job.get("manualSelector"):
        errs.unsupported(at.child("manualSelector"), True, ("nil", "false"))
    check_not_negative(errs, spec, path, "successfulJobsHistoryLimit", "failedJobsHistoryLimit")


def _check_schedule(errs: Errors, schedule: str, zone: str | None, had_zone: bool, path: Path) -> None:
    bare = re.sub(r"^(CRON_)?TZ=\S* +", "", schedule)
    try:
        parse(bare)
    except ScheduleError as error:
        errs.invalid(path, schedule, str(error))
    if "TZ" in schedule:
        if not had_zone:
            errs.invalid(path, schedule, "cannot use TZ or CRON_TZ in schedule, use timeZone field instead")
        elif zone is not None:
            errs.invalid(path, schedule, "cannot use both timeZone field and TZ or CRON_TZ in schedule")


def _check_zone(errs: Errors, zone: str, path: Path) -> None:
    if not zone:
        errs.invalid(path, zone, "timeZone must be nil or non-empty string")
        return
    for part in zone.split("/"):
        if part in (".", "..") or part.startswith("-") or not re.fullmatch(r"[A-Za-z.\-_0-9+]{1,14}", part):
            errs.invalid(path, zone, f"unknown time zone {zone}")
            return
    if zone.lower() == "local":
        errs.invalid(path, zone, "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones")
        return
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        errs.invalid(path, zone, f"unknown time zone {zone}")


RULES = {"CronJob": CronJobRules()}
