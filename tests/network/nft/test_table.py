"""What a change costs, and who gets an element that two want."""

import re

import pytest

from corral.network.nft.rules import Element, Ranges, Rendered, render
from corral.network.nft.table import Claims, difference, whole
from corral.network.services import plan

RANGES = Ranges("10.77.0.0/24", "10.77.0.0/16", "10.78.0.0/16")


@pytest.fixture
def rendered(make_service, make_slice):
    def work(*ips, name="web", **spec):
        (port,) = plan(make_service(name, **spec), [make_slice(name, *ips)], "node")
        return render(port, RANGES)

    return work


def delta(old, new):
    removed = [e for e in old.elements if e not in new.elements]
    added = [e for e in new.elements if e not in old.elements]
    return difference("t", [(old, new)], removed, added).splitlines()


def test_one_more_endpoint_is_some_elements(rendered):
    assert delta(rendered("10.0.0.1"), rendered("10.0.0.1", "10.0.0.2")) == [
        "delete element ip t service_ips { 10.78.1.1 . tcp . 80 }",
        "add element ip t endpoints { 10.78.1.1 . tcp . 80 . 1 : 10.0.0.2 . 8080 }",
        "add element ip t service_ips { 10.78.1.1 . tcp . 80 : goto balance-2 }",
        "add element ip t hairpins { 10.0.0.2 . 10.0.0.2 }",
    ]


def test_other_endpoint_is_one_element_and_its_hairpin(rendered):
    verbs = [" ".join(line.split()[:5]) for line in delta(rendered("10.0.0.1"), rendered("10.0.0.2"))]
    assert verbs == [
        "delete element ip t endpoints",
        "delete element ip t hairpins",
        "add element ip t endpoints",
        "add element ip t hairpins",
    ]


def test_no_change_is_no_script(rendered):
    assert difference("t", [(rendered("10.0.0.1"), rendered("10.0.0.1"))], [], []) == ""


def test_removal_takes_elements_before_the_chains_they_lead_to(rendered):
    old = rendered("10.0.0.1", sessionAffinity="ClientIP")
    lines = difference("t", [(old, Rendered())], old.elements, []).splitlines()
    verbs = [" ".join(line.split()[:2]) for line in lines]
    assert verbs == [*["flush chain"] * 2, *["delete element"] * 2, *["delete chain"] * 2, "delete set"]


def test_very_many_endpoints_get_a_chain_of_their_own(rendered):
    part = rendered(*(f"10.0.1.{i}" for i in range(100)))
    assert len(part.chains) == 1
    assert ("service_ips", "10.78.1.1 . tcp . 80", f"goto {next(iter(part.chains))}") in part.elements


def test_affinity_set_stays_while_its_endpoint_does(rendered):
    old = rendered("10.0.0.1", "10.0.0.2", sessionAffinity="ClientIP")
    new = rendered("10.0.0.1", sessionAffinity="ClientIP")
    script = difference("t", [(old, new)], [], [])
    assert re.findall(r"(\w+) set ip t clients-\S+/(10\S+?)/8080", script) == [("delete", "10.0.0.2")]


def test_names_fit_nft_whatever_the_names_of_the_service(make_service, make_slice):
    service = make_service("n" * 63, sessionAffinity="ClientIP")
    service["metadata"]["namespace"] = "x" * 63
    (port,) = plan(service, [make_slice("n" * 63, "255.255.255.255")], "node")
    part = render(port, RANGES)
    assert all(len(name) < 128 for name in (*part.chains, *part.affinity_sets))


def test_services_whose_names_are_cut_alike_have_chains_of_their_own(rendered):
    one, other = (rendered("10.0.0.1", name="n" * 62 + end, sessionAffinity="ClientIP") for end in "nm")
    assert not set(one.chains) & set(other.chains)


def test_element_that_two_claim_stays_until_both_have_gone():
    claims = Claims()
    mine, theirs = Element("m", "k", "1"), Element("m", "k", "2")
    claims.replace("a", (), [mine])
    claims.replace("b", (), [theirs])
    assert claims.all() == [mine]
    claims.replace("a", [mine], ())
    assert claims.all() == [theirs]
    claims.replace("b", [theirs], ())
    assert claims.effective(("m", "k")) is None


def test_owner_that_changes_its_value_keeps_its_place():
    claims = Claims()
    claims.replace("a", (), [Element("m", "k", "1")])
    claims.replace("b", (), [Element("m", "k", "2")])
    claims.replace("a", [Element("m", "k", "1")], [Element("m", "k", "3")])
    assert claims.effective(("m", "k")) == "3"


def test_whole_replaces_in_one_script(rendered):
    part = rendered("10.0.0.1", sessionAffinity="ClientIP")
    script = whole("t", RANGES, [part], part.elements)
    assert script.startswith("add table ip t\ndelete table ip t\ntable ip t {")
    assert script.count("add chain") == len(part.chains) == 2
