# SPDX-License-Identifier: Apache-2.0
"""DS-Lite beside a real DHCPv6 server, which names the AFTR, and a real resolver, which has its address."""

AFTR = {"name": "aftr-name", "code": 64, "space": "dhcp6", "csv-format": True, "data": "aftr.example"}


def test_the_line_names_the_aftr(line):
    line.resolve()
    line.lease([AFTR])
    found = line.provision(provisioning="dslite")
    assert "tunnel" in found, found
    assert (found["tunnel"]["remote"], found["tunnel"]["ipaddr"]) == ("2001:db8:a::1", ["192.0.0.2/29"])
    assert found["tunnel"]["refresh"] == 120
    assert found["answer"]["teller"] == "DHCPv6 option 64"


def test_the_line_names_none(line):
    line.resolve()
    line.lease([])
    assert line.provision(provisioning="dslite")["error"][0] == "NO_AFTR"
    line.stop("kea")
    assert line.provision(provisioning="dslite")["error"][0] == "NO_AFTR"
    found = line.provision(provisioning="dslite", peeraddr="aftr.example")
    assert found["tunnel"]["remote"] == "2001:db8:a::1"
    assert line.provision(provisioning="dslite", peeraddr="no.example")["error"][0] == "NAME_UNKNOWN"
