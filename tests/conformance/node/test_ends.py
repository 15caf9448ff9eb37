"""How containers end: exit codes and last words."""

from tests.conformance.pods import Pods, pod, shell, status_of


def test_last_words(pods: Pods) -> None:
    """[sig-node] Container Runtime blackbox test on terminated container should report termination message as empty when pod succeeds and TerminationMessagePolicy FallbackToLogsOnError is set [NodeConformance] [Conformance]
    [sig-node] Container Runtime blackbox test on terminated container should report termination message from file when pod succeeds and TerminationMessagePolicy FallbackToLogsOnError is set [NodeConformance] [Conformance]
    [sig-node] Container Runtime blackbox test on terminated container should report termination message from log output if TerminationMessagePolicy FallbackToLogsOnError is set [NodeConformance] [Conformance]
    [sig-node] Container Runtime blackbox test on terminated container should report termination message if TerminationMessagePath is set as non-root user and at a non-default path [NodeConformance] [Conformance]
    """
    fallback = {"terminationMessagePolicy": "FallbackToLogsOnError"}
    own = {"terminationMessagePath": "/dev/termination-custom-log", "securityContext": {"runAsUser": 10000}}
    asked = {
        "empty": (shell("echo -n DONE", **fallback), ""),
        "file": (shell("echo -n OK > /dev/termination-log; echo DONE", **fallback), "OK"),
        "log": (shell("echo -n DONE; exit 1", **fallback), "DONE"),
        "no-fallback": (shell("echo -n DONE; exit 1"), ""),
        "own": (shell("echo -n DONE > /dev/termination-custom-log", **own), "DONE"),
        "long": (shell("head -c 5000 /dev/zero | tr '\\0' x > /dev/termination-log"), "x" * 4096),
        "in-between": (shell("echo -n BEFORE > /dev/termination-log; exit 7", **fallback), "BEFORE"),
    }
    pods.start(pod("p", *({"name": name, **container} for name, (container, _) in asked.items())))
    found = pods.ended("p")
    ends = {name: status_of(found, name)["state"]["terminated"] for name in asked}
    assert {name: end.get("message", "") for name, end in ends.items()} == {n: words for n, (_, words) in asked.items()}
    assert (ends["empty"]["exitCode"], ends["empty"]["reason"]) == (0, "Completed")
    assert (ends["in-between"]["exitCode"], ends["in-between"]["reason"]) == (7, "Error")


def test_exit_codes(pods: Pods) -> None:
    """The exit code is the program's own; 127 is the shell's word for a command that is not there."""
    pods.start(pod("p", "exit 42", "no-such-command", "exit 255"))
    found = pods.ended("p")
    assert [status_of(found, name)["state"]["terminated"]["exitCode"] for name in ("c", "c1", "c2")] == [42, 127, 255]
