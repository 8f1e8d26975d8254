# SPDX-License-Identifier: Apache-2.0
"""Why netifd does not even start a softwire's client, as far as that is seen without asking anybody on the line."""

from softwire.doctor import line
from softwire.doctor.finding import WRONG, wrong
from softwire.netifd import errors


def hindrance(case):
    """The first Finding that is wrong, None where the client should run; ProvisioningError NETIFD_SILENT."""
    case.sections = case.router.uci("network")
    for look in (line.check_settings, line.check_cable, _check_readiness):
        for finding in look(case):
            if finding.status == WRONG:
                return finding
    return None


def _check_readiness(case):
    """What the client's host dependency waits for: the line is up, with a default route."""
    name = case.line.name
    if case.line.up:
        if not case.line.default_route:
            yield line.no_default_route(case.line)
        return
    kind = line.kind_of(line.client_ids(line.client(case) or []))
    if kind != "DUID-LL":
        option, mend = line.client_id_option(case)
        yield wrong(
            "NOT_DUID_LL",
            "{} is no DUID-LL, and NTT's network answers DUID-LL alone".format(option),
            "interface {} is not up; what it sends is a {}".format(name, kind),
            mend,
        )
        return
    yield wrong(
        "NO_LINE",
        "interface {} is not up".format(name),
        "; ".join(errors(case.line_status)) or "nothing came that gives it an address, prefix or route",
        "'softwire doctor {}' asks the line itself".format(case.interface),
    )
