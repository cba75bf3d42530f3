"""A server that answers as docs/API.md says, from a script: what each request gets, and what was asked."""

import json
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

TOKEN = "a-token"
FIRMWARE = {"id": "f1", "name": "app.tdm", "kind": "package", "size": 3, "sha256": "00", "type": "pump",
            "version": "1.1.0", "build": "", "uploaded": "2026-11-22T10:00:00.000Z", "package": None}


def problem(status, title, detail=None):
    return status, {"status": status, "title": title, **({"detail": detail} if detail else {})}


def row(status, ended=False, device="d1", **values):
    return {"id": device, "name": f"pump {device}", "online": True, "version": "1.0.0", "status": status, "reason": "none",
            "text": "words", "stage": None, "bytes": None, "size": None, "wire_bytes": 0, "attempts": 1,
            "updated": None, "ended": ended, **values}


def shipment(*rows, state="live"):
    updated = sum(r["status"] in ("success", "already-there") for r in rows)
    failed = sum(r["ended"] for r in rows) - updated
    return {"id": "s1", "name": "a name", "template": "TMPL", "firmware": FIRMWARE, "state": state,
            "created": "2026-11-22T10:00:00.000Z", "ended": None, "devices": list(rows),
            "progress": {"target": len(rows), "updated": updated, "failed": failed,
                         "rest": len(rows) - updated - failed}}


class FakeServer:
    """answers: {"METHOD /path": [(status, body), ...]}; the last answer of a list repeats. With a certificate and its key it
    speaks TLS."""

    def __init__(self, answers, certificate=None):
        self.answers = {key: list(value) if isinstance(value, list) else [value] for key, value in answers.items()}
        self.requests = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def handle_any(self):
                outer.serve(self)

            do_GET = do_POST = do_DELETE = handle_any

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"{'https' if certificate else 'http'}://127.0.0.1:{self.server.server_port}"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
            self.server.handle_error = lambda *_: None  # a client that does not trust us
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})

    def serve(self, handler):
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        parts = urlsplit(handler.path)
        self.requests.append((handler.command, parts.path, parse_qs(parts.query), body, dict(handler.headers)))
        status, answer = problem(404, "no such thing")
        if handler.headers.get("Authorization") != f"Bearer {TOKEN}":
            status, answer = problem(401, "no or wrong token")
        elif f"{handler.command} {parts.path}" in self.answers:
            script = self.answers[f"{handler.command} {parts.path}"]
            status, answer = script.pop(0) if len(script) > 1 else script[0]
        data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
