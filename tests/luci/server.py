# SPDX-License-Identifier: Apache-2.0
"""A router's web server: ubus over JSON-RPC as uhttpd speaks it, LuCI's pages and modules, its way to apply changes.

The pages' modules come from the package, LuCI's own from a checkout of it (LUCI) or from the stand-in beside this file.
"""

import http.server
import json
import os
import pathlib
import threading
import urllib.parse

from tests.luci.uci import Uci

HERE = pathlib.Path(__file__).resolve().parent
TREE = HERE.parents[1]
PACKAGE = TREE / "package/luci-proto-softwire"
SOFTWIRED = TREE / "package/luci-app-softwired"
# Of luci-proto-softwire's pages, what luci-app-softwired takes.
SHARED = ("address.js", "jobs.js", "sentences.js")
SESSION = "0123456789abcdef0123456789abcdef"
# What LuCI's own controller makes of ubus' status.
HTTP = {0: 200, Uci.NO_DATA: 204, 6: 403, 7: 504}
KINDS = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".png": "image/png"}

PAGE = """<!DOCTYPE html>
<html lang="{language}" {dark}><head><meta charset="utf-8"><title>softwire</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="/luci-static/bootstrap/cascade.css">
<script src="/translations/{language}"></script>
<script src="/luci-static/resources/cbi.js"></script></head>
<body class="lang_{language}"><div id="maincontent" class="container">
<script src="/luci-static/resources/luci.js"></script>
<script>L = new LuCI({environment});</script>
<div id="view"><div class="spinning"></div>
<script>L.require('ui').then(ui => ui.instantiateView('{view}'));</script></div>
</div></body></html>
"""


def luci_folders():
    """(LuCI's resources, its theme) in the checkout or userland that LUCI names; the stand-in where there is none."""
    given = os.environ.get("LUCI")
    if not given:
        return HERE / "standin", None
    root = pathlib.Path(given)
    for resources in (
        "modules/luci-base/htdocs/luci-static/resources",
        "resources",
        "www/luci-static/resources",
    ):
        if (root / resources / "luci.js").exists():
            break
    else:
        raise SystemExit(f"LUCI={given}: no luci.js below it; a checkout of LuCI would be right")
    themes = (
        "themes/luci-theme-bootstrap/htdocs/luci-static/bootstrap",
        "bootstrap",
        "www/luci-static/bootstrap",
    )
    return root / resources, next((root / theme for theme in themes if (root / theme).exists()), None)


class Router:
    """What a browser can ask: objects {name: {method: function of the message}}, each call counted.

    denied: (object, method) that the session may not call; readonly: whether the menu says so to the pages.
    """

    def __init__(self, configs, objects=None):
        self.uci = Uci(configs)
        self.objects = objects or {}
        self.calls = []
        self.denied = set()
        self.readonly = False
        self.catalogue = {}
        self.rollback = 90
        self.reachable = True
        self.server = None

    # ubus

    def call(self, session, name, method, message):
        """uhttpd's JSON-RPC: a result, or an error."""
        self.calls.append((name, method, message))
        if session != SESSION or (name, method) in self.denied:
            return {"error": {"code": -32002, "message": "Access denied"}}
        if name == "uci":
            status, answer = self.uci.call(method, message)
        elif name == "session" and method == "access":
            status, answer = 0, {"access": True}
        elif name not in self.objects:
            return {"error": {"code": -32000, "message": "Object not found"}}
        elif method not in self.objects[name]:
            status, answer = 3, None
        else:
            answer = self.objects[name][method](message)
            status = answer if isinstance(answer, int) else 0
        return {"result": [status] if answer is None or isinstance(answer, int) else [0, answer]}

    def rpc(self, request):
        if isinstance(request, list):
            return [self.rpc(one) for one in request]
        frame = {"jsonrpc": "2.0", "id": request.get("id")}
        if request.get("method") == "list":
            return {**frame, "result": list(self.objects)}
        return {**frame, **self.call(*request["params"])}

    def asked(self, name):
        """The calls of an object since the last time, as (method, message)."""
        found = [(method, message) for called, method, message in self.calls if called == name]
        self.calls = []
        return found

    # Pages

    def page(self, view, query):
        environment = {
            "media": "/luci-static/bootstrap",
            "resource": "/luci-static/resources",
            "scriptname": "/cgi-bin/luci",
            "documentroot": "/www",
            "pollinterval": 1,
            "ubuspath": "/ubus/",
            "sessionid": SESSION,
            "token": "token",
            "requestpath": [],
            "dispatchpath": [],
            "pathinfo": "/admin",
            "nodespec": {"readonly": self.readonly, "satisfied": True},
            "apply_rollback": self.rollback,
            "apply_holdoff": 0.1,
            "apply_timeout": 1,
            "apply_display": 0.3,
        }
        return PAGE.format(
            language=query.get("lang", ["en"])[0],
            dark='data-darkmode="true"' if "dark" in query else "",
            environment=json.dumps(environment),
            view=view,
        )

    def file(self, path):
        """A static file's path, or None."""
        resources, theme = luci_folders()
        found = []
        if path.startswith("/luci-static/resources/"):
            name = path.removeprefix("/luci-static/resources/")
            views = HERE / "views" / name.removeprefix("view/")
            ours = [folder / "htdocs/luci-static/resources" for folder in (PACKAGE, SOFTWIRED)]
            found = [folder / name for folder in ours] + [resources / name, views]
            if name.removeprefix("softwired/") in SHARED:
                found.append(ours[0] / "softwire" / name.removeprefix("softwired/"))
            # A checkout keeps the modules' own views elsewhere.
            found += [
                folder / name
                for folder in resources.parents[3:4]
                for folder in folder.glob("../*/htdocs/luci-static/resources")
            ]
        elif path.startswith("/luci-static/bootstrap/") and theme:
            found = [theme / path.removeprefix("/luci-static/bootstrap/")]
        return next((file for file in found if file.is_file()), None)

    def post(self, path, query):
        """LuCI's own way to apply what a session holds: (status, text)."""
        action = path.rpartition("/")[2]
        if action == "apply_rollback":
            status, _ = self.uci.call("apply", {"rollback": True, "timeout": self.rollback})
            return (200, json.dumps({"token": "rollback"})) if status == 0 else (204, "")
        if action == "confirm":
            # LuCI's page takes 204 (nothing is to be confirmed) for a yes, too.
            return HTTP.get(self.uci.call("confirm", {})[0], 500), ""
        return 404, ""

    # The server

    def __enter__(self):
        router = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self, status, data, kind="text/html; charset=utf-8"):
                data = data if isinstance(data, bytes) else data.encode()
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(data)))
                self.send_header("Cache-Control", "no-store")
                self.end_headers()
                self.wfile.write(data)

            def do_GET(self):
                asked = urllib.parse.urlsplit(self.path)
                query = urllib.parse.parse_qs(asked.query)
                if asked.path.startswith("/view/"):
                    return self.answer(200, router.page(asked.path.removeprefix("/view/"), query))
                if asked.path.startswith("/translations/"):
                    text = json.dumps(router.catalogue) if asked.path.endswith("/ja") else "{}"
                    return self.answer(200, f"window.TR = {text};", "text/javascript")
                file = router.file(asked.path)
                if file is None:
                    return self.answer(404, "")
                return self.answer(200, file.read_bytes(), KINDS.get(file.suffix, "application/octet-stream"))

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                asked = urllib.parse.urlsplit(self.path)
                if not router.reachable:
                    return self.answer(503, "")
                if asked.path.startswith("/ubus"):
                    return self.answer(200, json.dumps(router.rpc(json.loads(body))), "application/json")
                return self.answer(*router.post(asked.path, urllib.parse.parse_qs(asked.query)))

            def log_message(self, *words):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    @property
    def address(self):
        return "http://127.0.0.1:%d" % self.server.server_address[1]
