"""Which addresses are of the internet, and which of this network."""

from ipaddress import ip_network

import pytest

from tokenry.fetching.reach import Networks, Reach, is_out_of_reach, is_public


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8"])
def test_address_of_the_internet_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.255.255.254", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254"),
        *("100.64.0.1", "192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255"),
        *("192.0.0.192", "192.88.99.1", "3fff::1", "::ffff:192.0.0.192", "64:ff9b:1::a00:1"),
        *("::", "::1", "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1", "fec0::1"),
        *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::127.0.0.1", "64:ff9b::169.254.169.254"),
        *("2002:7f00:1::", "2002:a9fe:a9fe::1", "2001:0:0:0:0:0:f5ff:fffe"),
    ],
)
def test_address_of_this_network_is_not_public(address: str) -> None:
    assert not is_public(address)


def test_each_reach_has_its_addresses() -> None:
    addresses = ("8.8.8.8", "127.0.0.1", "10.0.0.1")
    assert {reach: [reach.allows(address) for address in addresses] for reach in Reach} == {
        Reach.ANYTHING: [True, True, True],
        Reach.INTERNET: [True, False, False],
        Reach.INTERNET_AND_LOOPBACK: [True, True, False],
    }


@pytest.mark.parametrize("host", ["10.0.0.1", "169.254.169.254", "::1", "localhost", "LocalHost.", "a.localhost"])
def test_host_of_this_network_is_out_of_reach_without_being_resolved(host: str) -> None:
    assert is_out_of_reach(host, Reach.INTERNET)


@pytest.mark.parametrize("host", ["8.8.8.8", "app.example", "notlocalhost", "localhost.example"])
def test_host_of_the_internet_or_that_has_to_be_resolved_is_not_out_of_reach(host: str) -> None:
    assert not is_out_of_reach(host, Reach.INTERNET)


def test_localhost_is_within_reach_if_either_address_is() -> None:
    assert not is_out_of_reach("localhost", Networks((ip_network("127.0.0.0/8"),), internet=True))
