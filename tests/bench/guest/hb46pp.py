# SPDX-License-Identifier: Apache-2.0
"""What a refresh by HB46PP costs: the resident client's part, and that of the process which asks for it.

The lab's own unbound and nginx answer, with the data of its line `transix`.
"""

import json
import pathlib
import subprocess

import measure

ACCESS, LINES = pathlib.Path("/lab/access"), pathlib.Path("/lab/lines")
PLACE = pathlib.Path("/run/access/hb46pp")
RECORD = "v=v6mig-1 url=https://vne.example/rule.cgi t=b"


def serve():
    """The line's resolver and the operator's server."""
    for address in ("2001:db8:53::1", "2001:db8:46::1"):
        measure.run("ip", "address", "add", address + "/128", "dev", "lo", "nodad")
    (PLACE / "www").mkdir(parents=True)
    pathlib.Path("/run/access").chmod(0o755)
    PLACE.chmod(0o755)
    (PLACE / "www").chmod(0o755)
    pathlib.Path("/var/log/access").mkdir(parents=True, exist_ok=True)
    (PLACE / "records.conf").write_text(f"local-data: '4over6.info. 60 IN TXT \"{RECORD}\"'\n")
    told = measure.run("sh", "-c", f'. {LINES}/transix/access; printf %s "$hb46pp"')
    (PLACE / "www/config").write_text(told)
    (PLACE / "www/config").chmod(0o644)
    for command in (
        ["unbound", "-d", "-c", str(ACCESS / "operator/unbound.conf")],
        ["nginx", "-c", str(ACCESS / "operator/nginx.conf"), "-e", "stderr", "-g", "daemon off;"],
    ):
        subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for port in ("53", "443"):
        measure.wait_for(f"port {port}", lambda port=port: f"]:{port} " in measure.run("ss", "-Hlntu"))


def asked():
    """When the client asked last."""
    try:
        return json.loads(measure.STATE.read_text())["asked"]
    except (OSError, ValueError, KeyError):
        return 0


def refresh(client):
    """One `renew`, as the handler passes it on."""
    before = asked()
    measure.run("busybox", "sh", "-c", f"echo renew 1<>{measure.FIFO}/wake")
    measure.wait_for("the client to ask again", lambda: asked() > before)


def count():
    """{"resident", "errand"}: user instructions of one refresh, MicroPython."""
    measure.progress("user instructions of a refresh by HB46PP")
    serve()
    config = {"tunlink": "wan6", "provisioning": "hb46pp"}
    (measure.RUN / "wan.config").write_text(json.dumps(config))
    found = {"resident": measure.count_each("micropython", refresh)}
    client = measure.Resident("micropython", "/bench/callgrind/")
    refresh(client)
    client.rest()
    # It has not ended yet: what is there is the other process'.
    found["errand"] = measure.instructions()
    client.end()
    return found
