# SPDX-License-Identifier: Apache-2.0
"""An errand: what takes more memory than the resident client has, asked in a process that ends with its answer."""

import os

from softwire import state
from softwire.errors import ProvisioningError
from softwire.ubus import quote

LAUNCHER = "/usr/sbin/softwire"
# Seconds that it may take; its own times are shorter.
LONGEST = 120


def run(method, question):
    """Method.errand in a process of its own -> its answer; ProvisioningError, its own or INTERNAL.

    question: a dict of JSON values. A secret is not among them: the process reads the options itself.
    """
    # Of its own name, which the handler removes at the next setup whatever became of us.
    name = "".join(["%02x" % octet for octet in os.urandom(6)])
    folder = "{}/.{}.{}".format(state.RUN_DIR, method.interface, name)
    path = folder + "/done"
    done = None
    try:
        if os.system("umask 077; mkdir {0} && mkfifo {0}/done".format(folder)):
            raise ProvisioningError("NO_RUN_DIRECTORY", folder + ": cannot be written; is /var full?")
        state.write(folder + "/question", question)
        # Open for reading and writing, so that it never reports its other side's end.
        done = open(path, "r+b", buffering=0)
        os.system(
            "{{ {} errand {} {}; [ ! -p {} ] || echo done 1<>{}; }} &".format(
                LAUNCHER, quote(method.interface), folder, path, path
            )
        )
        end = method.clock() + LONGEST
        while method.clock() < end and not method.wait(done, int((end - method.clock()) * 1000) + 1):
            pass
        found = state.read(folder + "/answer") or {}
    finally:
        if done:
            done.close()
        os.system("rm -rf " + folder)
    for text in found.get("told") or []:
        if method.tell:
            method.tell(text)
    if "error" in found:
        raise ProvisioningError(*found["error"])
    if "answer" not in found:
        raise ProvisioningError("INTERNAL", "the process that asks ended without an answer", 60)
    return found["answer"]


def main(interface, folder):
    """`softwire errand <interface> <folder>`: in that process."""
    from softwire import provisioning

    told: list = []
    found: dict = {"told": told}
    try:
        method = provisioning.load(state.read(state.config_path(interface)) or {}, interface)
        found["answer"] = method.errand(state.read(folder + "/question") or {}, told.append)
    except ProvisioningError as error:
        found["error"] = [error.code, error.text, error.retry_after, error.ended]
    state.write(folder + "/answer", found)
    return 0
