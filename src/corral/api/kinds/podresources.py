"""The resources of a pod as a whole, and what its containers may have of them (KEP-2837)."""

from corral.api.fields import Errors, Path
from corral.api.kinds.computeresources import POD_RESOURCES, check_pod_resource_name, check_requirements, is_huge_page
from corral.api.objects import Object
from corral.api.podresources import amounts, of_containers


def default_pod_resources(spec: Object) -> None:
    """Fill in what a pod that has limits as a whole leaves open: requests as its containers have them, or as the limits."""
    resources = spec.get("resources") or {}
    given = dict(resources.get("limits") or {})
    if given or resources.get("requests"):
        pages = {name: str(amount) for name, amount in of_containers(spec, "limits").items() if is_huge_page(name)}
        if pages.keys() - given.keys():
            resources["limits"] = {**pages, **given}
    if given:
        asked = {name: str(amount) for name, amount in of_containers(spec, "requests").items() if name in POD_RESOURCES}
        resources["requests"] = {**resources["limits"], **asked, **(resources.get("requests") or {})}


def check_pod_resources(errs: Errors, spec: Object, path: Path) -> None:
    """`spec.resources` at `path`: on its own, and against those of the containers."""
    resources = spec["resources"]
    if (spec.get("os") or {}).get("name") == "windows":
        errs.forbidden(path, "may not be set for a windows pod")
        return
    if resources.get("claims"):
        errs.forbidden(path.child("claims"), "claims cannot be set for Resources at pod-level")
    check_requirements(errs, {**resources, "claims": None}, path, None, check_pod_resource_name)
    requests, limits = (amounts(resources.get(part)) for part in ("requests", "limits"))
    for name, needed in sorted(of_containers(spec, "requests").items()):
        if name in requests and needed > requests[name]:
            why = f"must be greater than or equal to aggregate container requests of {needed}"
            errs.invalid(path.child("requests").key(name), str(requests[name]), why)
    for name, needed in sorted(of_containers(spec, "limits").items()):
        if is_huge_page(name) and name in limits and needed > limits[name]:
            why = f"must be greater than or equal to aggregate container limits of {needed}"
            errs.invalid(path.child("limits").key(name), str(limits[name]), why)
    for i, container in enumerate(spec.get("containers") or ()):
        for name, limit in sorted(amounts((container.get("resources") or {}).get("limits")).items()):
            if name in limits and limit > limits[name]:
                # The path is the reference's, which puts the containers under the pod's resources.
                at = path.child("containers").at(i).key(name).child("limits")
                errs.invalid(at, str(limit), f"must be less than or equal to pod limits of {limits[name]}")
