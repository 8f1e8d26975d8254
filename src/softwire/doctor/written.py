# SPDX-License-Identifier: Apache-2.0
"""What of a softwire's section in /etc/config/network reaches it: netifd hands over what is declared, as declared."""

from softwire import provisioning
from softwire.doctor.finding import note, wrong

# What netifd takes for itself, or who writes the file (LuCI) keeps there.
NETIFD = (
    "proto device ifname auto disabled defaultroute peerdns dns dns_search dns_metric metric renew delegate ip4table "
    "ip6table ip6assign ip6hint ip6class ip6ifaceid ip6weight force_link jail jail_device host_dependency tags name"
).split()
MEND = "uci commit network; /etc/init.d/network reload; ifup {}"


def handed_over(written):
    """The options as netifd would hand them over: without lists where one value is declared."""
    return {name: written[name] for name in written if not _is_wrong_list(name, written[name])}


def lost(written):
    """The options that do not reach the softwire: lists where one value is declared, and names that nobody knows."""
    known = list(provisioning.known()) + NETIFD
    return [
        name
        for name in sorted(written)
        if _is_wrong_list(name, written[name]) or (name not in known and name[:1] != "_")
    ]


def _is_wrong_list(name, value):
    # The handler declares an option as a list where a method does.
    lists = [provisioning.find(method).lists for method in provisioning.names()]
    return (
        isinstance(value, list) and name in provisioning.known() and not any([name in own for own in lists])
    )


def not_handed_over(interface, written):
    """A note for each option that is lost."""
    for name in lost(written):
        yield note("NOT_HANDED_OVER", *_why(interface, name, written))


def missing(interface, written, error):
    """A finding where the option that an error calls missing is written, and lost; None where it is not."""
    names = lost(written)
    if "is missing" not in error.text:
        return None
    named = [name for name in names if "option {} is missing".format(name) in error.text]
    # A name that nobody knows may be a slip of the pen.
    for name in named + names:
        text, seen, advice = _why(interface, name, written)
        return wrong(error.code, error.text, "{}: {}".format(text, seen), advice)
    return None


def _why(interface, name, written):
    """(what, how it is known, what to do) of one option that is lost."""
    if not isinstance(written[name], list) or name not in provisioning.known():
        return (
            "option {} does not reach the softwire".format(name),
            "neither netifd nor softwire knows an option of this name",
            "correct its spelling in /etc/config/network, then '/etc/init.d/network reload; ifup {}'".format(
                interface
            ),
        )
    value = written[name][0]
    mend = MEND.format(interface)
    # Nobody is shown a secret, and quotes cannot stand within quotes.
    if provisioning.known()[name] or not all(
        [char.isalpha() or char.isdigit() or char in "_.:/-" for char in value]
    ):
        advice = "write one line with option {} instead of list {}, then '{}'".format(name, name, mend)
    else:
        advice = "'uci set network.{}.{}={}; {}'".format(interface, name, value, mend)
    return (
        "list {} does not reach the softwire".format(name),
        "it is written as a list, and netifd hands over one value, an option",
        advice,
    )
