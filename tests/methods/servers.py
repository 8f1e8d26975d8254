# SPDX-License-Identifier: Apache-2.0
"""A line in a network namespace: an unbound, an nginx with a private authority, a Kea, as operators run them."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import subprocess
import typing

from tests.softwired import network

ROOT = network.TREE
HOST = "vne.example"
RECORD = f"v=v6mig-1 url=https://{HOST}/rule.cgi t=b"
STATUS = {
    "up": True,
    "l3_device": "vc",
    "proto": "dhcpv6",
    "uptime": 99,
    "ipv6-prefix": [{"address": "2001:db8:1::", "mask": 56, "preferred": 600, "valid": 900}],
    "dns-server": [network.SERVER],
}
UNBOUND = """server:
	interface: {server}
	access-control: 2001:db8::/32 allow
	do-daemonize: no
	username: ""
	chroot: ""
	pidfile: ""
	use-syslog: no
	logfile: ""
	do-not-query-localhost: no
	module-config: "iterator"
	local-zone: "." static
	local-data: "vne.example. 300 IN AAAA {server}"
	local-data: "www.vne.example. 300 IN AAAA {server}"
	local-data: "other.example. 300 IN AAAA {server}"
	local-data: "aftr.example. 120 IN AAAA 2001:db8:a::1"
	local-data: "nowhere.example. 300 IN AAAA 2001:db8:1::99"
	{more}
remote-control:
	control-enable: no
"""
NGINX = """daemon off;
error_log {folder}/nginx.log;
pid {folder}/nginx.pid;
events {{ }}
http {{
	log_format asked '$scheme://$host$request_uri $ssl_server_name';
	access_log {folder}/asked asked;
	default_type application/json;
	absolute_redirect off;
	client_body_temp_path {folder}/body;
	proxy_temp_path {folder}/proxy;
	fastcgi_temp_path {folder}/fastcgi;
	uwsgi_temp_path {folder}/uwsgi;
	scgi_temp_path {folder}/scgi;
	server {{
		listen [{server}]:443 ssl;
		listen [{server}]:80;
		# Debian's mbedTLS 3.6 offers RSA-PSS and does not take it from a server that has TLS 1.2 alone.
		ssl_protocols TLSv1.2 TLSv1.3;
		ssl_certificate {folder}/server.pem;
		ssl_certificate_key {folder}/server.key;
		root {folder}/www;
		location = /relative {{ return 307 rule.cgi; }}
		location = /query {{ return 307 /other$is_args$args; }}
		location = /elsewhere {{ return 307 https://other.example/rule.cgi?$args; }}
		location = /loop {{ return 307 /loop; }}
		location = /down {{ return 307 http://vne.example/rule.cgi; }}
		location = /up {{ return 307 https://vne.example/rule.cgi; }}
		location = /nowhere {{ return 307 ""; }}
		location = /gone {{ return 404; }}
		location = /forbidden {{ return 403; }}
		location = /broken {{ return 500; }}
		location = /empty {{ return 200 ""; }}
		location = /chunked {{ ssi on; ssi_types application/json; try_files /rule.cgi =404; }}
	}}
}}
"""
KEA = {
    "interfaces-config": {"interfaces": ["vs"], "re-detect": True},
    "lease-database": {"type": "memfile", "persist": False},
    "server-id": {"type": "LL", "persist": False},
    "subnet6": [{"id": 1, "subnet": "2001:db8:1::/64", "interface": "vs"}],
}


class Missing(Exception):
    """A server is not installed."""


def find(name: str) -> str:
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if found is None:
        raise Missing(f"{name} is not here: tests/setup.sh server installs it")
    return found


class Line:
    """Servers at one end of a cable, a provisioning method at the other."""

    def __init__(self, cable: network.Cable, folder: pathlib.Path, interpreter: list[str]) -> None:
        self.cable, self.folder, self.interpreter = cable, folder, interpreter
        self.running: dict[str, subprocess.Popen[str]] = {}
        self.made = 0
        self.options: dict[str, typing.Any] = {"tunlink": "wan6", "provisioning": "hb46pp"}
        (folder / "www").mkdir()
        (folder / "flash").mkdir()
        self.certify("server", f"DNS:{HOST},DNS:www.{HOST}")
        self.environment = {"MICROPYPATH": f"{ROOT}/src:.frozen", "PYTHONPATH": f"{ROOT}/src"}
        launcher = folder / "launcher"
        # An errand has another heap than the resident client.
        words = [word.replace("=384K", "=8M") for word in interpreter]
        words += [str(ROOT / "tests/methods/driver.py"), str(folder)]
        launcher.write_text('#!/bin/sh\nexec {} "$@"\n'.format(" ".join(words)))
        launcher.chmod(0o755)

    def certify(self, name: str, names: str, days: int = 30) -> None:
        """A certificate of the line's own authority for these names."""
        openssl = find("openssl")

        def make(*words: str) -> None:
            done = subprocess.run([openssl, *words], cwd=self.folder, capture_output=True, text=True)
            assert done.returncode == 0, done.stderr

        if not (self.folder / "ca.pem").exists():
            make(
                *"req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 30 -subj /CN=authority".split()
            )
        make(*f"req -newkey rsa:2048 -nodes -keyout {name}.key -out {name}.csr -subj /CN={HOST}".split())
        (self.folder / "names").write_text(f"subjectAltName={names}\n")
        words = f"x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out {name}.pem -extfile names"
        make(*words.split(), "-days", str(days))

    def start(self, name: str, *words: str) -> None:
        self.stop(name)
        with open(self.folder / f"{name}.out", "w") as log:
            self.running[name] = self.cable.server.start(*words, stdout=log, stderr=log)

    def stop(self, name: str) -> None:
        if name in self.running:
            process = self.running.pop(name)
            process.terminate()
            process.wait(20)

    def listens(self, name: str, port: str, kind: str = "-lntu") -> None:
        """Waits until something listens at that port."""

        def look() -> bool:
            assert self.running[name].poll() is None, (self.folder / f"{name}.out").read_text()
            return f":{port} " in self.cable.server.run("ss", "-H", "-6", kind)

        network.until(look, f"{name} does not listen")

    def resolve(self, *records: str, more: str = "") -> None:
        """The line's resolver with these TXT records of 4over6.info."""
        lines = [f"local-data: '4over6.info. 60 IN TXT \"{record}\"'" for record in records]
        path = self.folder / "unbound.conf"
        path.write_text(UNBOUND.format(server=network.SERVER, more="\n\t".join([*lines, more])))
        self.start("unbound", find("unbound"), "-d", "-c", str(path))
        self.listens("unbound", "53", "-lnu")

    def serve(self) -> None:
        path = self.folder / "nginx.conf"
        path.write_text(NGINX.format(server=network.SERVER, folder=self.folder))
        # Its workers give up their rights, and would not find the folder.
        self.start(
            "nginx", find("nginx"), "-c", str(path), "-g", "user root;", "-e", str(self.folder / "nginx.log")
        )
        self.listens("nginx", "443", "-lnt")

    def answer(self, content: typing.Any) -> None:
        """What /rule.cgi and its neighbours say: JSON, or octets as they are."""
        data = content if isinstance(content, bytes) else json.dumps(content, ensure_ascii=False).encode()
        for name in ("rule.cgi", "other"):
            (self.folder / "www" / name).write_bytes(data)

    def lease(self, options: list[dict[str, typing.Any]]) -> None:
        """The line's DHCPv6 server with these options."""
        path = self.folder / "kea.json"
        path.write_text(json.dumps({"Dhcp6": {**KEA, "option-data": options}}))
        # A copy, which no AppArmor profile of the package is for.
        program = self.folder / "kea-dhcp6"
        if not program.exists():
            shutil.copy(find("kea-dhcp6"), program)
        places = [f"KEA_PIDFILE_DIR={self.folder}", f"KEA_LOCKFILE_DIR={self.folder}"]
        self.start("kea", "env", *places, str(program), "-c", str(path))
        self.listens("kea", "547", "-lnu")

    def asked(self) -> list[str]:
        """The requests that the web server got since the last time."""
        path = self.folder / "asked"
        lines = path.read_text().splitlines() if path.exists() else []
        found, self.made = lines[self.made :], len(lines)
        return found

    def drive(self, *words: str) -> subprocess.Popen[str]:
        """driver.py at the subscriber's end."""
        return self.cable.client.start(
            *self.interpreter, str(ROOT / "tests/methods/driver.py"), str(self.folder), *words,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, **self.environment},
        )  # fmt: skip

    def begin(self, refresh: typing.Sequence[int] = (), **options: typing.Any) -> subprocess.Popen[str]:
        """The method, asking; refresh: once more, as if so many seconds had passed."""
        (self.folder / "wan.config").write_text(json.dumps({**self.options, **options}))
        (self.folder / "line.json").write_text(json.dumps(STATUS))
        return self.drive("provision", *map(str, refresh))

    def forget(self) -> list[str]:
        """The files that `softwire forget` erased."""
        output, errors = self.drive("forget").communicate(timeout=60)
        assert not errors, errors
        return [row.removeprefix("forgotten: ") for row in output.splitlines()]

    def provision(self, **options: typing.Any) -> dict[str, typing.Any]:
        """What becomes of one exchange."""
        output, errors = self.begin(**options).communicate(timeout=100)
        assert output, errors
        found: dict[str, typing.Any] = json.loads(output)
        found["stderr"] = errors
        left = [path.name for path in self.folder.glob(".wan.*")]
        assert not left, left
        return found

    def close(self) -> None:
        for name in list(self.running):
            self.stop(name)
