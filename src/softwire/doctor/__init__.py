# SPDX-License-Identifier: Apache-2.0
"""`softwire doctor`: walks the way from cable to IPv4 and says at each step ok, or what is wrong and what to do."""

import json

from softwire.doctor.finding import NOTE, OK, SKIPPED, WRONG, Case, Finding
from softwire.doctor.router import Router
from softwire.doctor.steps import BORDER_ROUTER, NEED_ADDRESS, SOFTWIRE, STEPS
from softwire.errors import ProvisioningError

# How the four kinds of finding stand out; in one width.
MARKS = {OK: "ok   ", NOTE: "note ", WRONG: "WRONG", SKIPPED: "-    "}


def clean(text):
    """Text from anywhere as one printable line."""
    return "".join([char if " " <= char <= "~" else "?" for char in str(text)[:400]])


def walk(case):
    """Yields (step, Finding), in the order of the way."""
    broken = None
    lost = False  # the softwire is not there, or nothing comes out of it
    for name, look in STEPS:
        needs_traffic = lost and name not in ("firewall", "ports")
        if broken and (not case.up or needs_traffic):
            yield name, Finding(SKIPPED, "not tried: '{}' comes first".format(broken))
            continue
        if case.waits and name in NEED_ADDRESS:
            yield name, Finding(OK, "nothing to look at: no address is held")
            continue
        for finding in _look(look, case):
            yield name, finding
            if finding.status == WRONG:
                broken = broken or name
                if name == "cable":  # netifd is about to take the softwire down
                    case.up = False
                if name in (SOFTWIRE, BORDER_ROUTER):
                    broken, lost = name, True
        if name == SOFTWIRE and lost:
            case.up = False


def _look(look, case):
    """A fault of the doctor's own must not hide what the other steps say."""
    try:
        yield from look(case)
    except ProvisioningError as error:
        yield case.failure(error)
    except Exception as error:
        yield Finding(
            WRONG,
            "the doctor stumbled: {} {}".format(type(error).__name__, error),
            "INTERNAL",
            advice="please report it, with 'softwire doctor --report'",
        )


def rows(step, finding, show=clean):
    """The lines of one finding for people; show(text) makes one printable line of a text."""
    code = " ({})".format(finding.code) if finding.code else ""
    yield "{}  {:<14}  {}{}".format(MARKS[finding.status], step, show(finding.text), code)
    if finding.seen:
        yield "{:23}seen   {}".format("", show(finding.seen))
    if finding.advice:
        yield "{:23}do     {}".format("", show(finding.advice))


def as_dict(step, finding):
    """One finding for programs."""
    return {
        "step": step,
        "status": finding.status,
        "code": finding.code,
        "text": clean(finding.text),
        "seen": clean(finding.seen),
        "advice": clean(finding.advice),
    }


def softwires(router):
    """Names of the interfaces of proto softwire in /etc/config/network."""
    return [
        name
        for name, kind, options in router.uci("network")
        if kind == "interface" and options.get("proto") == "softwire"
    ]


def examine(interface, router, host=None, show=None, tell=None):
    """All (step, Finding) of one softwire, as soon as each is known: its lines for people, show(line), or tell(it)."""
    found = []
    case = Case(interface, router, host)
    last = ""
    for step, finding in walk(case):
        found.append((step, finding))
        if tell:
            tell(step, finding)
        for line in rows("" if step == last else step, finding) if show else []:
            show(line)
        last = step
    return found


def is_well(found):
    """Whether nothing was wrong."""
    return all([finding.status in (OK, NOTE) for _, finding in found])


def main(interface, as_json=False, report=False, host=None, steps=False, router=None, tell=print):
    """Exit status 0 only when all is well."""
    router = router or Router()
    if host and not router.network.is_ipv4(host):
        tell("softwire doctor: '{}' is no IPv4 address".format(clean(host)))
        return 2
    if report:
        from softwire.doctor.report import main as write

        return write(interface, host, router, tell)
    names = [interface] if interface else softwires(router)
    if not names:
        if router.unwritable() is None:
            tell("/etc/config/network has no interface of proto softwire")
            return 1
        names = ["wan"]  # uci cannot be asked; the first step says why
    well = True
    told = []
    if steps:
        return _steps(names, router, host, tell)
    for name in names:
        if not as_json:
            tell("softwire doctor: " + clean(name))
        found = examine(name, router, host, None if as_json else tell)
        well = well and is_well(found)
        told.append(
            {
                "interface": clean(name),
                "well": is_well(found),
                "steps": [as_dict(step, finding) for step, finding in found],
            }
        )
        if not as_json:
            tell(_summary(found))
    if as_json:
        tell(json.dumps(told[0] if interface else told))
    return 0 if well else 1


def _steps(names, router, host, tell):
    """For who looks on: first the names of all steps, then each as it is taken."""
    well = True
    for name in names:
        tell(json.dumps({"interface": clean(name), "way": [step for step, _ in STEPS]}))
        found = examine(name, router, host, tell=lambda *one: tell(json.dumps(as_dict(*one))))
        well = well and is_well(found)
        tell(json.dumps({"well": is_well(found)}))
    return 0 if well else 1


def _summary(found):
    for step, finding in found:
        if finding.status == WRONG:
            return "begin with: {}".format(step)
    if any([finding.status != OK for _, finding in found]):
        return "all is well; the notes can wait"
    return "all is well"
