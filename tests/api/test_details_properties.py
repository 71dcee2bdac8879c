"""Whatever a client sends for a token's details: an answer of a documented shape, and no write without a 2xx."""

import json
from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.api.generating import any_json, any_text, bounded, details_queries, raw_bodies, rows, send
from tests.conftest import App
from tokenry.api.tokens.details import MOMENTS

pytestmark = pytest.mark.usefixtures("narrow")

DETAILS = "/v4/profile/tokens/2/details"
"""Not of the acting token, number 1: that would shut itself out."""

networks = st.one_of(
    st.ip_addresses().map(str),
    st.ip_addresses().flatmap(
        lambda address: st.integers(0, address.max_prefixlen).map(
            lambda length: str(ip_network((address, length), strict=False))
        )
    ),
    st.from_regex(r"[0-9a-fA-F:.]{0,40}(/[0-9]{0,4})?", fullmatch=True),
    st.sampled_from(["::ffff:1.2.3.4", "fe80::1%eth0", "10.0.0.1/8", "10.0.0.0/255.0.0.0", "0/0", "1.2.3.4/032"]),
)
near_bodies = st.fixed_dictionaries(
    {},
    optional={
        "description": any_text | st.just("x" * 501) | any_json,
        "networks": st.lists(networks | networks | any_json, max_size=4)
        | st.lists(st.just("10.0.0.0/8"), min_size=49, max_size=51)
        | any_json,
        "state": any_json,
    },
)
json_bodies = (near_bodies | near_bodies | any_json).map(lambda body: json.dumps(body).encode("ascii"))


@bounded
@given(body=json_bodies | raw_bodies)
def test_any_body_changes_what_it_names_or_nothing(whole: App, body: bytes) -> None:
    before = rows(whole)
    answer = send(
        whole,
        "PUT",
        DETAILS,
        {200, 400, 413},
        headers={**whole.bearer, "Content-Type": "application/json"},
        content=body,
    )
    if answer.status_code == 200:
        asked, details, after = json.loads(body or b"{}"), answer.json(), rows(whole)
        assert details["description"] == asked.get("description", details["description"])
        assert len(details["networks"]) <= len(asked.get("networks", details["networks"]))
        assert [str(ip_network(text)) for text in details["networks"]] == details["networks"]
        changed = any(before[table] != after[table] for table in ("tokens", "credentials"))
        assert len(after["audit_events"]) - len(before["audit_events"]) == changed


@bounded
@given(asked=st.lists(networks, max_size=6))
def test_networks_that_are_kept_are_those_that_were_asked_for(whole: App, asked: list[str]) -> None:
    answer = send(whole, "PUT", DETAILS, {200, 400}, headers=whole.bearer, json={"networks": asked})
    if answer.status_code == 200:
        kept = [ip_network(text) for text in answer.json()["networks"]]
        meant = [ip_network(text) for text in asked]
        for network in meant:
            mapped = getattr(network.network_address, "ipv4_mapped", None)
            assert network in kept or (mapped is not None and any(mapped in other for other in kept))
        assert len(kept) == len({str(network) for network in kept})


@bounded
@given(
    query=details_queries
    | st.text(st.characters(max_codepoint=126, min_codepoint=33, exclude_characters="#"), max_size=60)
)
def test_any_question_is_answered_or_refused_by_the_names_it_has(whole: App, query: str) -> None:
    answer = send(whole, "GET", f"/v4/profile/tokens/details?{query}", {200, 400}, headers=whole.bearer)
    body = answer.json()
    if answer.status_code == 200:
        assert len(body["data"]) <= body["results"]
    else:
        assert {error["field"] for error in body["errors"]} <= {"state", "page", "page_size", *MOMENTS}
