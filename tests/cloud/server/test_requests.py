"""Requests that nobody should send, as bytes on the wire: each is refused by the right status, and the server goes on."""

import socket
import unittest

import server as s

HOST = b"Host: x\r\n"


def request(line, *headers, body=b""):
    return line + b"\r\n" + b"".join(header + b"\r\n" for header in headers) + b"\r\n" + body


class Requests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = s.Server().__enter__()
        cls.addClassCleanup(cls.server.__exit__)
        cls.token = b"Authorization: Bearer " + cls.server.token.encode()

    def tearDown(self):
        self.assertEqual(self.server.ask("GET", "/health", token=False).status, 200)

    def status(self, data):
        answer = self.server.raw(data)
        self.assertTrue(answer.startswith(b"HTTP/1.1 "), answer)
        return int(answer.split()[1])

    def test_each_is_refused_by_its_status(self):
        get = b"GET /health HTTP/1.1"
        for status, data in (
                (431, request(get, b"Host: x", b"A: " + b"x" * 9000)),
                (431, request(get, b"Host: x", *[b"A: b"] * 3000)),
                (414, request(b"GET /" + b"x" * 600 + b" HTTP/1.1", b"Host: x")),
                (414, request(b"GET /health?" + b"x" * 4200 + b" HTTP/1.1", b"Host: x")),
                (505, request(b"GET /health HTTP/2.0", b"Host: x")),
                (501, request(b"BREW /health HTTP/1.1", b"Host: x")),
                (400, request(b"GET /health", b"Host: x")),
                (400, request(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"Host: x")),
                (400, request(b"GET /health HTTP/1.1")),
                (400, request(get, b"Host: x", b"Host: y")),
                (400, request(get, b"Host: x", b"A\x00B: c")),
                (400, request(get, b"Host: x", b"A: b\x00c")),
                (400, request(get, b"Host: x", b" folded: y")),
                (400, request(get, b"Host: x", b"no colon")),
                (400, request(b"GET /hea\x7flth HTTP/1.1", b"Host: x")),
                (400, request(b"GET *://x/ HTTP/1.1", b"Host: x")),
                (400, request(get, b"Host: x", b"Content-Length: -1")),
                (400, request(get, b"Host: x", b"Content-Length: 0x10")),
                (400, request(get, b"Host: x", b"Content-Length: 1", b"Content-Length: 2")),
                (400, request(get, b"Host: x", b"Content-Length: 1", b"Transfer-Encoding: chunked")),
                (400, request(get, b"Host: x", b"Transfer-Encoding: identity")),
                (413, request(get, b"Host: x", b"Content-Length: 5", body=b"hello")),
                (413, request(b"POST /api/v1/session HTTP/1.1", b"Host: x", b"Content-Type: application/json",
                              b"Content-Length: 8193")),
                (404, request(b"GET /api/v1/devices/../../health HTTP/1.1", b"Host: x")),
                (404, request(b"GET /..%2f..%2fetc%2fpasswd HTTP/1.1", b"Host: x")),
                (404, request(b"GET //health HTTP/1.1", b"Host: x")),
                (404, request(b"GET /api/v1/devices/d1%00 HTTP/1.1", b"Host: x", self.token)),
                (404, request(b"GET /api/v1/devices/d99999999999999999999 HTTP/1.1", b"Host: x", self.token)),
                (403, request(b"GET /firmware/f1?token=%00%00 HTTP/1.1", b"Host: x")),
                (403, request(b"GET /firmware/f1?token=" + b"a" * 900 + b" HTTP/1.1", b"Host: x")),
                (401, request(b"GET /api/v1/devices HTTP/1.1", b"Host: x", b"Authorization: Bearer")),
                (401, request(b"GET /api/v1/devices HTTP/1.1", b"Host: x", b"Authorization: Basic YTpi")),
        ):
            with self.subTest(data=data[:120]):
                data = data if b"Connection" in data else data.replace(b"\r\n", b"\r\nConnection: close\r\n", 1) if b" HTTP/1.1\r\n" in data else data
                self.assertEqual(self.status(data), status)

    def test_a_request_that_is_hidden_behind_another_is_answered_as_its_own(self):
        answer = self.server.raw(request(b"GET /health HTTP/1.1", b"Host: x") + request(b"GET /api/v1/devices HTTP/1.1", b"Host: x", b"Connection: close"))
        self.assertEqual([int(part.split()[0]) for part in answer.split(b"HTTP/1.1 ")[1:]], [200, 401])

    def test_a_body_that_is_refused_is_not_taken_for_the_next_request(self):
        hidden = request(b"GET /health HTTP/1.1", b"Host: x")
        answer = self.server.raw(request(b"POST /api/v1/devices HTTP/1.1", b"Host: x", b"Content-Length: " + str(len(hidden)).encode(), body=hidden))
        self.assertEqual(answer.count(b"HTTP/1.1 "), 1)
        self.assertIn(b" 401 ", answer)

    def test_one_byte_at_a_time_is_a_request_too(self):
        with socket.create_connection(("127.0.0.1", self.server.http_port), s.LIMIT) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for byte in request(b"GET /health HTTP/1.1", b"Host: x", b"Connection: close"):
                connection.sendall(bytes([byte]))
            self.assertIn(b" 200 ", s.read_to_end(connection))

    def test_nothing_in_an_answer_comes_from_the_request_unescaped(self):
        for path in (b"/%0d%0aSet-Cookie:%20a=b", b"/<script>alert(1)</script>"):
            answer = self.server.raw(request(b"GET " + path + b" HTTP/1.1", b"Host: x\", \"a\": \"", b"Connection: close"))
            self.assertNotIn(b"Set-Cookie", answer)
            self.assertNotIn(b"<script>", answer)


if __name__ == "__main__":
    unittest.main()
