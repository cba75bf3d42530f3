"""A small identity provider (OpenID Connect Core 1.0, code flow), with keys and signatures of its own, which a test
can have err in every way."""

import base64
import hashlib
import http.server
import json
import secrets
import ssl
import threading
import time
from urllib.parse import parse_qs, unquote, urlsplit

from cryptography.hazmat.primitives import hashes, hmac, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

CLIENT, SECRET = "tandem console", "s3cret:with/odd+characters%"


def b64(data):
    if isinstance(data, dict):
        data = json.dumps(data)
    if isinstance(data, str):
        data = data.encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value, size):
    return b64(value.to_bytes(size, "big"))


class RsaKey:
    alg = "RS256"

    def __init__(self, kid):
        self.kid = kid
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def jwk(self):
        numbers = self.key.public_key().public_numbers()
        return {"kty": "RSA", "kid": self.kid, "use": "sig", "n": number(numbers.n, 256), "e": number(numbers.e, 3)}

    def sign(self, data):
        return self.key.sign(data, padding.PKCS1v15(), hashes.SHA256())

    def pem(self):
        return self.key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


class EcKey:
    alg = "ES256"

    def __init__(self, kid):
        self.kid = kid
        self.key = ec.generate_private_key(ec.SECP256R1())

    def jwk(self):
        numbers = self.key.public_key().public_numbers()
        return {"kty": "EC", "kid": self.kid, "crv": "P-256", "x": number(numbers.x, 32), "y": number(numbers.y, 32)}

    def sign(self, data):
        r, s = decode_dss_signature(self.key.sign(data, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


class PssKey(RsaKey):
    alg = "PS256"

    def sign(self, data):
        return self.key.sign(data, padding.PSS(padding.MGF1(hashes.SHA256()), hashes.SHA256().digest_size), hashes.SHA256())


class EdKey:
    alg = "EdDSA"

    def __init__(self, kid):
        self.kid = kid
        self.key = ed25519.Ed25519PrivateKey.generate()

    def jwk(self):
        raw = self.key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        return {"kty": "OKP", "kid": self.kid, "crv": "Ed25519", "x": b64(raw)}

    def sign(self, data):
        return self.key.sign(data)


class Published:
    """A key of a set as it stands there."""

    def __init__(self, jwk):
        self.jwk = lambda: jwk


def hmac_sha256(key, data):
    mac = hmac.HMAC(key, hashes.SHA256())
    mac.update(data)
    return mac.finalize()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, value, location="/keys"):
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if status == 302:
            self.send_header("Location", location)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.serve(b"")

    def do_POST(self):
        self.serve(self.rfile.read(int(self.headers["Content-Length"])))

    def serve(self, body):
        provider = self.server.provider
        path = urlsplit(self.path).path
        provider.asked.append(path)
        if path in provider.silent:
            provider.released.wait(60)
            self.close_connection = True
        elif path in provider.wrong:
            self.answer(*provider.wrong[path])
        elif path == "/.well-known/openid-configuration":
            self.answer(200, provider.configuration())
        elif path == "/keys":
            self.answer(200, {"keys": [key.jwk() for key in provider.published]})
        elif path == "/userinfo":
            good = self.headers["Authorization"] == "Bearer " + provider.access
            self.answer(*((200, {"sub": provider.person["sub"], **provider.userinfo}) if good else (401, {"error": "invalid_token"})))
        elif path == "/token":
            self.answer(*provider.redeem(self.headers.get("Authorization", ""), parse_qs(body.decode())))
        elif path == "/authorize":  # whoever comes is signed in already
            url = provider.issuer + self.path
            code, state = provider.authorize(url)
            self.answer(302, b"", f"{parse_qs(urlsplit(url).query)['redirect_uri'][0]}?code={code}&state={state}")
        else:
            self.answer(404, {})


class Provider:
    def __init__(self, certificate=None, host="127.0.0.1"):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads, self.server.provider = True, self
        self.server.handle_error = lambda *_: None  # a client that has gone
        self.scheme = "https" if certificate else "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.issuer = f"{self.scheme}://{host}:{self.server.server_address[1]}"
        self.released = threading.Event()
        self.rsa, self.ec = RsaKey("rsa-1"), EcKey("ec-1")
        self.codes, self.asked = {}, []
        self.reset()
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def reset(self):
        """Everything in order again."""
        self.published = [self.rsa, self.ec]
        self.signer = self.rsa
        self.silent, self.wrong, self.changes = set(), {}, {}
        self.header, self.sign, self.token = {}, None, None
        self.access, self.userinfo = secrets.token_urlsafe(24), {}
        self.person = {"sub": "248289761001", "email": "ann@example.org", "email_verified": True, "name": "Ann"}

    def close(self):
        self.released.set()
        self.server.shutdown()
        self.server.server_close()

    def configuration(self):
        return {"issuer": self.issuer, "authorization_endpoint": self.issuer + "/authorize?tenant=1",
                "token_endpoint": self.issuer + "/token", "jwks_uri": self.issuer + "/keys", "userinfo_endpoint": self.issuer + "/userinfo",
                "response_types_supported": ["code"], "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256", "ES256"]}

    def authorize(self, location):
        """What the sign-in page does once the person has signed in: (code, state) to go back with."""
        assert location.startswith(self.issuer + "/authorize?tenant=1&"), location
        query = {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
        assert query["response_type"] == "code" and query["client_id"] == CLIENT, query
        assert "openid" in query["scope"].split() and query["code_challenge_method"] == "S256", query
        code = secrets.token_urlsafe(24)
        self.codes[code] = query
        return code, query["state"]

    def redeem(self, authorization, form):
        form = {name: values[0] for name, values in form.items()}
        user, _, password = base64.b64decode(authorization.removeprefix("Basic ")).decode().partition(":")
        query = self.codes.pop(form.get("code"), None)
        if (unquote(user), unquote(password)) != (CLIENT, SECRET):
            return 401, {"error": "invalid_client"}
        challenge = b64(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if (query is None or form["grant_type"] != "authorization_code" or challenge != query["code_challenge"]
                or form["redirect_uri"] != query["redirect_uri"]):
            return 400, {"error": "invalid_grant"}
        return 200, {"access_token": self.access, "token_type": "Bearer", "id_token": self.token or self.id_token(query["nonce"])}

    def id_token(self, nonce):
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT, "exp": now + 300, "iat": now, "nonce": nonce, **self.person, **self.changes}
        claims = {name: value for name, value in claims.items() if value is not None}
        header = {"typ": "JWT", "alg": self.signer.alg, "kid": self.signer.kid, **self.header}
        header = {name: value for name, value in header.items() if value is not None}
        signed = f"{b64(header)}.{b64(claims)}"
        return f"{signed}.{b64((self.sign or self.signer.sign)(signed.encode()))}"
