"""A stand-in for S3: objects in memory, every request's Signature Version 4 checked by the letter of its specification
(canonical request, string to sign, derived key), and faults on demand."""

import hashlib
import hmac
import re
import threading
import time
import urllib.parse
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ACCESS, SECRET, REGION = "AKIDTANDEM", "not/a+secret", "eu-test-1"


def hmac256(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def sign(secret, date, region, to_sign):
    key = hmac256(hmac256(hmac256(hmac256(b"AWS4" + secret.encode(), date), region), "s3"), "aws4_request")
    return hmac256(key, to_sign).hex()


class Refused(Exception):
    pass


def check(method, target, headers, body):
    """Raises Refused with the reason if the request is not signed as it must be."""
    found = re.fullmatch(r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/s3/aws4_request, ?"
                         r"SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})", headers.get("authorization", ""))
    if not found:
        raise Refused(f"no such authorization: {headers.get('authorization')}")
    access, date, region, names, signature = found.groups()
    if (access, region) != (ACCESS, REGION):
        raise Refused("another key or region")
    stamp = headers.get("x-amz-date", "")
    if not re.fullmatch(rf"{date}T\d{{6}}Z", stamp):
        raise Refused("the date is not that of the signature")
    age = datetime.now(timezone.utc) - datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc)
    if abs(age.total_seconds()) > 900:
        raise Refused("too old")
    signed = names.split(";")
    if signed != sorted(signed) or "host" not in signed or any(
            name.startswith("x-amz-") and name not in signed for name in headers):
        raise Refused(f"not all that must be signed is: {names}")
    missing = [name for name in signed if name not in headers]
    if missing:
        raise Refused(f"signed but not sent: {missing}")
    payload = headers.get("x-amz-content-sha256", "")
    if payload != hashlib.sha256(body).hexdigest():
        raise Refused("the body is not the one that was signed")
    path, _, query = target.partition("?")
    canonical = "\n".join([
        method, urllib.parse.quote(urllib.parse.unquote(path), safe="/-_.~"),
        "&".join(sorted(query.split("&"))) if query else "",
        *[f"{name}:{' '.join(headers[name].split())}" for name in signed], "", names, payload])
    to_sign = "\n".join(["AWS4-HMAC-SHA256", stamp, f"{date}/{region}/s3/aws4_request",
                         hashlib.sha256(canonical.encode()).hexdigest()])
    if not hmac.compare_digest(sign(SECRET, date, region, to_sign), signature):
        raise Refused(f"another signature; canonical request:\n{canonical}")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body=b""):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def serve(self):
        s3 = self.server.s3
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        try:
            check(self.command, self.path, headers, body)
        except Refused as why:
            s3.refused.append(str(why))
            self.answer(403, str(why).encode())
            return
        s3.requests.append((self.command, self.path))
        if s3.failures:
            s3.failures -= 1
            self.answer(503)
            return
        time.sleep(s3.delay)
        self.object(s3, body)

    def object(self, s3, body):
        if self.command == "PUT":
            s3.objects[self.path] = body
            self.answer(200)
        elif self.command == "DELETE":
            s3.objects.pop(self.path, None)
            self.answer(204)
        elif self.path not in s3.objects:
            self.answer(404)
        elif s3.cut:
            s3.cut -= 1
            self.send_response(200)
            self.send_header("Content-Length", str(len(s3.objects[self.path])))
            self.end_headers()
            self.wfile.write(s3.objects[self.path][:1000])
            self.close_connection = True
        else:
            self.answer(200, s3.objects[self.path])

    do_GET = do_HEAD = do_PUT = do_DELETE = serve


class S3:
    """Use as a context manager. failures: as many requests are answered by 503; cut: as many GETs break off."""

    def __init__(self):
        self.objects, self.requests, self.refused = {}, [], []
        self.failures = self.cut = 0
        self.delay = 0.0

    def __enter__(self):
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.s3 = self
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    @property
    def environment(self):
        return {"AWS_ACCESS_KEY_ID": ACCESS, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_REGION": REGION,
                "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.server.server_port}"}
