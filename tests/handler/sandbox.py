# SPDX-License-Identifier: Apache-2.0
"""A router's file tree in a directory, mocks for the programs that the shell calls, and the cases run in it.

A case is a text file: what it shows, then sections, each opened by a line `-- WORDS --`:

    -- Handler PROTO ACTION INTERFACE [DEVICE] [NAME=VALUE ...] --
                                                 step: the handler as netifd runs it; the body is the JSON
    -- Event NAME --                                step: softwire.script; the body is the environment
    -- Hotplug iface --                             step: hotplug-call iface; the body is the environment
    -- Run PROGRAM [ARGUMENT...] --                 step: a program of the tree; the body is the environment
    -- File PATH --, -- Fifo PATH --                before the first step: what is there
    -- Program NAME --, -- No program NAME --       a mock in the search path (a shell script), or its absence
    -- Reply ubus ARGUMENT... --                    what ubus answers: exit status, then standard output;
                                                    after a line `then` the next answer, the last for good
    -- Expect ubus --                               calls of the step before, and of that step alone
    -- Expect output --, -- Expect log --           its standard output and error, the lines it gave to logger
    -- Expect status --                             its exit status; 0 where nothing is said
    -- Expect file PATH --, -- Expect fifo PATH --  what is in it after the step; JSON is compared as JSON
    -- Expect tree PATH --                          mode and name of everything below

Calls, output and log of a step are empty where nothing is expected.
"""

import difflib
import json
import os
import pathlib
import re
import shlex
import shutil
import stat
import subprocess
import sys

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]

# HANDLER_LIBRARIES: another tree with OpenWrt's shell libraries and jshn. The real ones need busybox ash.
LIBRARIES = pathlib.Path(os.environ.get("HANDLER_LIBRARIES", REPOSITORY / "tests/openwrt/root"))
LIBRARY_FILES = (
    "lib/functions.sh",
    "lib/netifd/netifd-proto.sh",
    "lib/netifd/utils.sh",
    "usr/share/libubox/jshn.sh",
)

SHELLS = {"ash": ("busybox", "ash"), "dash": ("dash",)}

# What the router's PATH has from busybox.
APPLETS = "awk basename cat chmod cut echo env grep head mkdir mkfifo mv printf rm sed sleep sort tr"

# Absolute paths of the router: moved below the sandbox; but a process finds its own files where they are.
ROUTER_PATH = re.compile(r"(?<![\w.})])/(?=(?:etc|lib|proc(?!/\$PPID)|sys|usr|var)/)")

DEFAULTS = pathlib.Path(__file__).with_name("defaults.txt")

MOCK = """#!{python}
import json, os, sys
root = {root!r}
name, arguments = os.path.basename(sys.argv[0]), sys.argv[1:]
with open(root + "/calls", "a") as calls:
    calls.write(json.dumps([name] + arguments) + "\\n")
if name == "ubus":
    while arguments and arguments[0].startswith("-"):
        arguments.pop(0)
    wanted = " ".join(arguments[:3] if arguments[0] == "call" else arguments)
    with open(root + "/replies") as file:
        replies = json.load(file)
    if wanted not in replies:
        with open(root + "/unknown", "a") as unknown:
            unknown.write("no fixture for this call: add a section '-- Reply ubus " + wanted + " --'\\n")
        sys.exit(1)
    status, _, output = replies[wanted][0].partition("\\n")
    if replies[wanted][1:]:
        replies[wanted].pop(0)
        with open(root + "/replies", "w") as file:
            json.dump(replies, file)
    sys.stdout.write(output)
    sys.exit(int(status))
"""


class CaseError(Exception):
    """A case file that says something nobody understands."""


def find_program(name):
    path = shutil.which(name)
    if path is None:
        raise CaseError(f"this machine has no {name}: install the package {name}")
    return path


def read_sections(path):
    """[(words, body)] of a case file; words is the tuple of the section line's words."""
    sections = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("-- ") and line.endswith(" --"):
            sections.append((tuple(shlex.split(line[3:-3])), []))
        elif sections:
            sections[-1][1].append(line)
    return [(words, "\n".join(body).strip("\n")) for words, body in sections]


def canonical(text):
    """JSON in one spelling, any other text as it is. Types count: 1 is not true."""
    try:
        return json.dumps(json.loads(text), indent=1, sort_keys=True, ensure_ascii=False)
    except ValueError:
        return text.strip("\n")


def canonical_calls(text):
    """The calls of an `Expect ubus` section: a call at the line's start, its message indented below."""
    calls = []
    for line in text.splitlines():
        if line.startswith((" ", "\t")):
            calls[-1][1] += line + "\n"
        elif line:
            calls.append([line, ""])
    return "\n".join(head + ("\n" + canonical(body) if body else "") for head, body in calls)


class Sandbox:
    """One router's file tree under `root`, its shell, and the mocks' records."""

    def __init__(self, root, shell):
        self.root = root
        self.shell = (find_program(SHELLS[shell][0]), *SHELLS[shell][1:])
        self.replies = {}
        self.secrets = set()
        for directory in (
            "bin",
            "etc/hotplug.d/iface",
            "lib/netifd/proto",
            "sys/class/net",
            "usr/lib/softwire",
            "var/run",
        ):
            (root / directory).mkdir(parents=True, exist_ok=True)
        for name in LIBRARY_FILES:
            if (LIBRARIES / name).exists():
                self.install(LIBRARIES / name, name)
        # Some builds of busybox ash prefer their own applet to what is in the search path.
        with (root / "lib/functions.sh").open("a") as functions:
            functions.write('\nlogger() {{ {} "$@"; }}\n'.format(root / "bin/logger"))
        for name in (
            "lib/netifd/proto/flets.sh",
            "lib/netifd/proto/flets_voip.sh",
            "lib/netifd/proto/softwire.sh",
            "lib/netifd/flets_voip.script",
            "lib/netifd/softwire.script",
        ):
            self.install(REPOSITORY / name, name)
        for name in ("etc/hotplug.d/iface/15-softwire", "usr/sbin/softwire"):
            self.install(REPOSITORY / "files" / name, name)
        for applet in APPLETS.split():
            (root / "bin" / applet).symlink_to(find_program("busybox"))
        for mock in ("ubus", "logger"):
            self.program(mock, MOCK.format(python=sys.executable, root=str(root)))
        jshn = next(path for path in (LIBRARIES / "usr/bin/jshn", LIBRARIES / "bin/jshn") if path.exists())
        interpreter = sys.executable + " " if b"python" in jshn.read_bytes()[:40] else ""
        self.program("jshn", f'#!/bin/sh\nexec {interpreter}{shlex.quote(str(jshn))} "$@"\n')

    def path(self, router_path):
        return self.root / router_path.lstrip("/")

    def install(self, source, name):
        target = self.root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(
            ROUTER_PATH.sub(str(self.root) + "/", source.read_text(encoding="utf-8")), encoding="utf-8"
        )
        target.chmod(0o755)

    def program(self, name, text):
        target = self.root / "bin" / name
        target.unlink(missing_ok=True)  # an applet is a link to this machine's busybox
        target.write_text(text if text.startswith("#!") else "#!/bin/sh\n" + text + "\n", encoding="utf-8")
        target.chmod(0o755)

    def run(self, arguments, environment, directory="/"):
        """One step: (exit status, output), with the sandbox's path taken out of the output."""
        for record in ("calls", "unknown"):
            (self.root / record).unlink(missing_ok=True)
        (self.root / "replies").write_text(json.dumps(self.replies))
        clean = {"PATH": str(self.root / "bin"), "NETIFD_MAIN_DIR": str(self.root / "lib/netifd")}
        done = subprocess.run(
            [*self.shell, *arguments],
            cwd=self.path(directory),
            env={**clean, **environment},
            timeout=60,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        unknown = self.root / "unknown"
        if unknown.exists():
            raise CaseError(unknown.read_text())
        return done.returncode, self.plain(done.stdout.decode())

    def plain(self, text):
        return text.replace(str(self.root) + "/", "/").replace(str(self.root), "/")

    def calls(self, program):
        """Argument lists of the last step's calls of a mock."""
        record = self.root / "calls"
        lines = record.read_text().splitlines() if record.exists() else []
        called = [json.loads(self.plain(line)) for line in lines]
        return [call[1:] for call in called if call[0] == program]

    def tree(self, router_path):
        top = self.path(router_path)
        paths = sorted([top, *top.rglob("*")]) if top.exists() else []
        return "\n".join(
            stat.filemode(path.stat().st_mode) + " " + str(path.relative_to(top)) for path in paths
        )


def environment_of(body):
    return dict(line.split("=", 1) for line in body.splitlines() if line)


class Case:
    """A case file, run in a sandbox."""

    def __init__(self, path, sandbox):
        self.path = path
        self.sandbox = sandbox
        self.fifos = {}

    def run(self):
        sections = read_sections(DEFAULTS) + read_sections(self.path)
        steps, expectations = [], None
        for words, body in sections:
            kind = words[0]
            if kind == "Expect":
                if expectations is None:
                    raise CaseError("an expectation before the first step")
                expectations[words[1:]] = body
            elif kind in ("Handler", "Event", "Hotplug", "Run"):
                expectations = {}
                steps.append((words, body, expectations))
            else:
                self.prepare(words, body)
        if not steps:
            raise CaseError("no step")
        for words, body, expectations in steps:
            self.step(words, body, expectations)

    def prepare(self, words, body):
        sandbox = self.sandbox
        if words[0] == "File":
            sandbox.path(words[1]).parent.mkdir(parents=True, exist_ok=True)
            sandbox.path(words[1]).write_text(body + "\n", encoding="utf-8")
        elif words[0] == "Fifo":
            sandbox.path(words[1]).parent.mkdir(parents=True, exist_ok=True)
            os.mkfifo(sandbox.path(words[1]), 0o600)
        elif words[0] == "Program":
            sandbox.program(words[1], body)
        elif words[:2] == ("No", "program"):
            (sandbox.root / "bin" / words[2]).unlink()
        elif words[:2] == ("Reply", "ubus"):
            sandbox.replies[" ".join(words[2:])] = [answer + "\n" for answer in body.split("\nthen\n")]
        else:
            raise CaseError("unknown section: " + " ".join(words))

    def command(self, words, body):
        """(arguments of the shell, environment, working directory) of a step."""
        sandbox = self.sandbox
        if words[0] == "Handler":
            proto, action = words[1:3]
            rest = [word for word in words[3:] if "=" not in word]
            environment = dict(word.split("=", 1) for word in words[3:] if "=" in word)
            arguments = [f"./{proto}.sh", proto if action != "dump" else "", action]
            if action != "dump":
                config = json.loads(body)
                sandbox.secrets |= {
                    config[name] for name in ("shared_secret", "password") if config.get(name)
                }
                arguments += [rest[0], json.dumps(config, ensure_ascii=False), *rest[1:]]
            return arguments, environment, "/lib/netifd/proto"
        if words[0] == "Event":
            return [str(sandbox.path("/lib/netifd/softwire.script")), words[1]], environment_of(body), "/"
        if words[0] == "Hotplug":
            loop = (
                f'for script in etc/hotplug.d/{words[1]}/*; do ( [ -f "$script" ] && . "./$script" ); done; :'
            )
            return ["-c", loop], environment_of(body), "/"
        return [str(sandbox.path(words[1])), *words[2:]], environment_of(body), "/"

    def step(self, words, body, expectations):
        sandbox = self.sandbox
        fifos = [path for path in sandbox.path("/var/run").rglob("*") if path.is_fifo()]
        readers = {str(path): os.open(path, os.O_RDWR | os.O_NONBLOCK) for path in fifos}
        arguments, environment, directory = self.command(words, body)
        status, output = sandbox.run(arguments, environment, directory)

        calls = sandbox.calls("ubus")
        called = sandbox.plain(canonical_calls("\n".join(self.show_call(call) for call in calls)))
        logged = "\n".join(" ".join(call) for call in sandbox.calls("logger"))
        for secret in sandbox.secrets:
            spellings = (secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1])
            for text in (json.dumps(calls, ensure_ascii=False), "\n".join(map(str, calls)), logged, output):
                assert not any(spelling in text for spelling in spellings), (
                    "a secret outside its file: " + text
                )

        title = " ".join(words)
        self.same(title, "ubus", canonical_calls(expectations.pop(("ubus",), "")), called)
        self.same(title, "log", expectations.pop(("log",), ""), logged)
        self.same(title, "status", expectations.pop(("status",), "0"), str(status))
        self.same(title, "output", canonical(expectations.pop(("output",), "")), canonical(output))
        for (kind, router_path), expected in expectations.items():
            path = sandbox.path(router_path)
            if kind == "file":
                self.same(
                    title, router_path, canonical(expected), canonical(path.read_text(encoding="utf-8"))
                )
            elif kind == "tree":
                self.same(title, router_path, expected, sandbox.tree(router_path))
            elif kind == "fifo":
                self.same(title, router_path, expected, read_available(readers[str(path)]))
            else:
                raise CaseError("unknown expectation: " + kind)
        for reader in readers.values():
            os.close(reader)

    @staticmethod
    def show_call(call):
        words = [word for word in call if not word.startswith("-")]
        if words[0] != "call":
            return " ".join(words)
        return "\n\t".join([" ".join(words[:3]), *[" ".join(word.splitlines()) for word in words[3:]]])

    def same(self, title, what, expected, actual):
        if expected != actual:
            lines = difflib.unified_diff(
                expected.splitlines(), actual.splitlines(), "expected", "actual", lineterm="", n=9
            )
            raise AssertionError("{}: {}: {}\n{}".format(self.path.name, title, what, "\n".join(lines)))


def read_available(descriptor):
    try:
        return os.read(descriptor, 65536).decode().strip("\n")
    except BlockingIOError:
        return ""
