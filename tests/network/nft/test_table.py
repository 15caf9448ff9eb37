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


def test_one_more_endpoint_replaces_one_rule_and_adds_one_element(rendered):
    old, new = rendered("10.0.0.1"), rendered("10.0.0.1", "10.0.0.2")
    added = [e for e in new.elements if e not in old.elements]
    lines = difference("t", [(old, new)], [], added).splitlines()
    (chain,) = new.chains
    assert lines == [
        f"flush chain ip t {chain}",
        f"add rule ip t {chain} meta l4proto tcp dnat ip to numgen random mod 2 map "
        "{ 0 : 10.0.0.1 . 8080, 1 : 10.0.0.2 . 8080 }",
        "add element ip t hairpins { 10.0.0.2 . 10.0.0.2 }",
    ]


def test_no_change_is_no_script(rendered):
    assert difference("t", [(rendered("10.0.0.1"), rendered("10.0.0.1"))], [], []) == ""


def test_removal_takes_elements_before_the_chains_they_lead_to(rendered):
    old = rendered("10.0.0.1")
    lines = difference("t", [(old, Rendered())], old.elements, []).splitlines()
    verbs = [" ".join(line.split()[:2]) for line in lines]
    assert verbs == ["flush chain", "delete element", "delete element", "delete chain"]


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
    assert not set(rendered("10.0.0.1", name="n" * 63).chains) & set(rendered("10.0.0.1", name="n" * 62 + "m").chains)


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
    assert script.count("add chain") == len(part.chains)
