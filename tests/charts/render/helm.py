"""The real Helm, to compare with: many templates in one call, each a partial whose output comes back in base64."""

import base64
import os
import re
import shutil
import subprocess
from pathlib import Path

from corral.charts.render import RenderError, render, yamlreader
from corral.charts.render.objects import capabilities
from corral.charts.render.scopes import ChartSource, templates_of

#: (whether it was rendered, the output or the error)
Result = tuple[bool, str]

KUBE_VERSION = "v1.25.0"
RELEASE = {"Name": "r", "Namespace": "default", "Revision": 1, "IsInstall": True, "IsUpgrade": False, "Service": "Helm"}
VALUES = (Path(__file__).parent / "corpus" / "values.yaml").read_text()
_PLACE = re.compile(r"c/templates/_t(\d+)\.tpl")
_HINT = "\n\nUse --debug flag to render out invalid YAML\n"


def find() -> str | None:
    """The Helm that scripts/setup --dev gets, or another one."""
    own = Path(__file__).parents[3] / ".venv" / "bin" / "helm"
    return str(own) if own.exists() else shutil.which("helm")


def files_of(texts: list[str]) -> dict[str, str]:
    """The templates of a chart that renders all texts."""
    files = {f"templates/_t{i}.tpl": text for i, text in enumerate(texts)}
    lines = (f'  t{i}: {{{{ include "c/templates/_t{i}.tpl" . | b64enc | quote }}}}' for i in range(len(texts)))
    return {**files, "templates/out.yaml": "x:\n" + "\n".join(lines)}


def _outputs(manifest: str) -> list[str]:
    found = re.findall(r'  t\d+: "(.*)"', manifest)
    return [base64.b64decode(text).decode("utf-8", "surrogateescape") for text in found]


def by_helm(binary: str, texts: list[str], folder: Path) -> list[Result]:
    """What Helm makes of the texts; those that fail are found one by one."""
    if not texts:
        return []
    templates = folder / "templates"
    shutil.rmtree(templates, ignore_errors=True)
    templates.mkdir(parents=True)
    (folder / "Chart.yaml").write_text("apiVersion: v2\nname: c\nversion: 0.1.0\n")
    (folder / "values.yaml").write_text(VALUES)
    for name, text in files_of(texts).items():
        (folder / name).write_bytes(text.encode("utf-8", "surrogateescape"))
    command = [binary, "template", "r", str(folder), "--kube-version", KUBE_VERSION]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=120, env={"HOME": str(folder), "TZ": "UTC"}, check=False
    )
    if done.returncode == 0:
        return [(True, text) for text in _outputs(done.stdout)]
    error = done.stderr.replace(_HINT, "").removeprefix("Error: ").rstrip("\n")
    if len(texts) == 1:
        return [(False, error)]
    at = int(match[1]) if (match := _PLACE.search(error)) else 0
    rest = by_helm(binary, texts[:at] + texts[at + 1 :], folder)
    return [*rest[:at], *by_helm(binary, [texts[at]], folder), *rest[at:]]


def by_corral(text: str) -> Result:
    """What Corral makes of a text."""
    os.environ.setdefault("TZ", "UTC")
    chart = ChartSource({"name": "c", "version": "0.1.0", "apiVersion": "v2"}, files_of([text]))
    values = yamlreader.load(VALUES)
    try:
        made = render(templates_of(chart, values, dict(RELEASE), capabilities(KUBE_VERSION, lambda: ["v1"])))
    except RenderError as error:
        return False, error.message
    return True, _outputs(made["c/templates/out.yaml"])[0]
