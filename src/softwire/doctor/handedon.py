# SPDX-License-Identifier: Apache-2.0
"""The doctor's look at what another protocol's interface carries: what that one says; the rest is its own business."""

from softwire.carrier import describe, text
from softwire.doctor.finding import note, ok, wrong


def findings(case):
    """Whether it is carried, and whether by today's parameters."""
    told = describe(case.interface, case.state["handed_on"], case.router.status)
    if not told["up"] or told["device"] != case.device:
        yield wrong(
            "HANDED_ON_DOWN",
            "proto {} does not carry what was handed on to it".format(told["proto"]),
            text(told),
            case.advice("HANDED_ON_DOWN"),
        )
        return
    yield ok("handed on to proto {}: {}".format(told["proto"], text(told)))
    fresh = getattr(case, "fresh", None)
    if fresh and (fresh.mode, getattr(fresh, "options", None)) != (told["proto"], told["options"]):
        yield note(
            "PARAMETERS_CHANGED",
            "the parameters in use are not today's",
            "the dry run gave others",
            "'ubus call network.interface.{} renew'".format(case.interface),
        )


def ours(look):
    """A step that only a tunnel of our own has."""

    def wrapped(case):
        if case.state.get("handed_on"):
            yield ok("left to proto {}".format(case.state["handed_on"]["mode"]))
        else:
            yield from look(case)

    return wrapped
