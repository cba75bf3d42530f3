"""Static files of the web console, and what browsers are told."""

import http.client
import shutil
import tempfile
import unittest
from pathlib import Path

import server as s

FILES = {"index.html": b"<!doctype html><title>t</title>", "assets/app-1a2b.js": b"export default 1\n", "a b.txt": b"x"}


class Console(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory()
        self.addCleanup(self.temporary.cleanup)
        self.folder = Path(self.temporary.name) / "console"
        for name, data in FILES.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        (Path(self.temporary.name) / "secret").write_text("out of reach")
        self.server = s.Server("--console", f"{self.folder}/").__enter__()
        self.addCleanup(self.server.__exit__)

    def ask(self, path, method="GET", **headers):
        return self.server.ask(method, path, token=False, headers={name.replace("_", "-"): v for name, v in headers.items()})

    def browse(self, path):
        """As a browser navigates: not as an operation of openapi.json."""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.http_port, timeout=s.LIMIT)
        self.addCleanup(connection.close)
        connection.request("GET", path, headers={"Accept": "text/html,*/*"})
        return s.Answer(connection.getresponse())

    def test_files_are_served_with_their_type_and_version(self):
        answer = self.ask("/assets/app-1a2b.js")
        self.assertEqual((answer.status, answer.body), (200, FILES["assets/app-1a2b.js"]))
        self.assertEqual(answer.headers["content-type"], "text/javascript; charset=utf-8")
        self.assertIn("immutable", answer.headers["cache-control"])
        again = self.ask("/assets/app-1a2b.js", If_None_Match=answer.headers["etag"])
        self.assertEqual((again.status, again.body), (304, b""))
        page = self.ask("/")
        self.assertEqual((page.status, page.body), (200, FILES["index.html"]))
        self.assertEqual(page.headers["cache-control"], "no-cache")
        self.assertEqual(self.ask("/", method="HEAD").headers["content-length"], str(len(FILES["index.html"])))

    def test_the_pages_own_addresses_lead_to_it_and_wrong_ones_to_nothing(self):
        self.assertEqual(self.ask("/shipments/s1", Accept="text/html,*/*").body, FILES["index.html"])
        self.assertEqual(self.ask("/shipments/s1", Accept="*/*").status, 404)
        self.assertEqual(self.browse("/firmware/f1").body, FILES["index.html"])
        self.assertEqual(self.ask("/firmware/f1", Accept="*/*").status, 403)
        self.assertEqual(self.browse("/firmware/f1?token=x").status, 403)
        self.assertEqual(self.ask("/assets/gone.js", Accept="text/html").status, 404)
        self.assertEqual(self.ask("/api/v1/devices", Accept="text/html").status, 401)

    def test_no_path_leads_out_of_the_folder(self):
        for path in ("/../secret", "/assets/../../secret", "/..%2fsecret", "//secret", "/./index.html", "/assets", "/index.html/"):
            self.assertEqual(self.ask(path, Accept="*/*").status, 404, path)

    def test_browsers_are_told_to_be_careful(self):
        for path in ("/", "/health", "/nothing", "/api/v1/devices"):
            headers = self.ask(path).headers
            self.assertIn("frame-ancestors 'none'", headers["content-security-policy"])
            self.assertNotIn("unsafe", headers["content-security-policy"])
            self.assertEqual(headers["x-content-type-options"], "nosniff")

    def test_the_console_beside_the_program_is_found(self):
        program = Path(self.temporary.name) / "bin/tandem-cloud"
        program.parent.mkdir()
        shutil.copy(s.PROGRAM, program)
        with s.Server(program=program) as server:
            self.assertEqual(server.ask("GET", "/", token=False).body, FILES["index.html"])

    def test_a_folder_without_a_page_is_refused_at_the_start(self):
        with self.assertRaisesRegex(AssertionError, "index.html"):
            s.Server("--console", self.temporary.name).__enter__()


if __name__ == "__main__":
    unittest.main()
