#!/usr/bin/env python3
"""tandem-cloud as a service: installed as cloud/systemd/README.md says, in a machine with a kernel and systemd of its own
(tests/ncpd/vm/machine.py).

    test_systemd.py GUEST PROGRAMS [CASE ...]

GUEST is what make-guest made, PROGRAMS where the programs were installed to. All cases share one machine; each makes what it
needs."""

import json
import re
import sys
import tempfile
import time
import unittest
from pathlib import Path

TESTS = Path(__file__).resolve().parents[2]
for place in (TESTS / "ncpd/vm", TESTS / "cloud/server", TESTS / "python"):
    sys.path.insert(0, str(place))
import server as s  # noqa: E402
import test_deltas as deltas  # noqa: E402
from certificates import Authority  # noqa: E402
from machine import CommandFailed, Machine  # noqa: E402
from service import Service  # noqa: E402
from test_nodes import free_port  # noqa: E402

s.LIMIT = 180  # of every wait: what takes 1 s takes 20 by emulation
EXAMPLES = "/usr/share/doc/tandem/examples"
UNIT = "tandem-cloud.service"
DATA = "/var/lib/tandem"
NAME = "ota.example.com"
URL = f"--resolve {NAME}:443:127.0.0.1 --cacert /root/ca.pem https://{NAME}"
EXPOSURE_MAX = 2.0  # of 10, as `systemd-analyze security` counts
CLEAR = "--http 0.0.0.0:8080 --mqtt 0.0.0.0:1883 --allow-clear"  # in the place of the TLS doors, for clients out here


class Case(unittest.TestCase):
    """Begins with nothing of it on the machine but what `cmake --install` put there."""

    def setUp(self):
        machine.run(f"systemctl disable --now {UNIT}; systemctl reset-failed {UNIT}; rm -rf {DATA} /var/backups/tandem /etc/tandem; "
                    "journalctl --rotate && journalctl --vacuum-time=1s; true")
        for name, path in (("ca", authority.certificate), ("own", certificate), ("key", key)):
            machine.write(f"/root/{name}.pem", path.read_text())

    def follow_manual(self):
        text = (TESTS.parent / "cloud/systemd/README.md").read_text()
        block = re.search(r"((?:^    .*\n)+)", text, re.MULTILINE).group(1)
        outputs = {}
        for step in (line.split("   #")[0].strip() for line in block.splitlines()):
            if not step.startswith("cmake --install"):
                step = step.replace("YOUR.crt", "/root/own.pem").replace("YOUR.key", "/root/key.pem")
                outputs[step.split()[0]] = machine.run(step)
        return outputs

    def start(self, options=None):
        """By the manual; with other options, if some are given."""
        machine.run(f"""set -e
            install -D -m 644 {EXAMPLES}/server.env /etc/tandem/server.env
            systemd-sysusers && systemctl daemon-reload
            install -m 644 /root/own.pem /etc/tandem/server.crt
            install -m 640 -g tandem-cloud /root/key.pem /etc/tandem/server.key""")
        if options:
            machine.run(f"sed -i 's|^TANDEM_CLOUD_OPTIONS=.*|TANDEM_CLOUD_OPTIONS={options}|' /etc/tandem/server.env")
        machine.run(f"systemctl restart {UNIT}")  # which returns when its doors are open

    def ask(self, method, path, body="", more="", token=True):
        """By curl, in there; status and answer."""
        who = f"-H \"Authorization: Bearer $(cat {DATA}/admin.token)\"" if token else ""
        data = f"-H 'Content-Type: application/json' --data '{body}'" if body else ""
        text = machine.run(f"curl -s -w '\\n%{{http_code}}' -X {method} {who} {data} {more} {URL}{path}")
        answer, _, status = text.rpartition("\n")
        return int(status), answer

    def add_device(self, name):
        status, answer = self.ask("POST", "/api/v1/devices", json.dumps({"template": s.TEMPLATE, "name": name}))
        self.assertEqual(status, 201, answer)
        return json.loads(answer)

    def names(self):
        return {device["name"] for device in json.loads(self.ask("GET", "/api/v1/devices")[1])["devices"]}

    def reached(self):
        """Its doors, for clients out here."""
        server = s.Server(folder=folder.name)
        server.http_port, server.mqtt_port = ports[8080], ports[1883]
        server.token = machine.run(f"cat {DATA}/admin.token").strip()
        return server


class Manual(Case):
    """The steps of cloud/systemd/README.md, typed as they stand there."""

    def test_its_steps_lead_to_a_service_that_lets_its_admin_in(self):
        outputs = self.follow_manual()
        self.assertEqual(service.shown("ActiveState"), "active")
        self.assertEqual(machine.run(f"systemctl is-enabled {UNIT}").strip(), "enabled")
        password = re.search(r"admin password: (\S+)", outputs["journalctl"]).group(1)
        status, answer = self.ask("POST", "/api/v1/session", json.dumps({"login": "admin", "password": password}),
                                  "-H 'X-Tandem-Request: 1'", token=False)
        self.assertEqual(status, 201, answer)
        self.assertEqual(self.ask("GET", "/health", token=False)[0], 200)
        self.assertNotIn(machine.run(f"cat {DATA}/admin.token").strip(), machine.run("journalctl --no-pager"))


class Unit(Case):
    def test_systemd_finds_nothing_wrong_with_the_unit(self):
        self.start()
        self.assertEqual(machine.run(f"systemd-analyze verify {UNIT}"), "")

    def test_its_exposure_is_low(self):
        self.start()
        text = machine.run(f"systemd-analyze security --no-pager {UNIT}")
        service.facts["systemd-analyze security"] = found = re.search(r"exposure level for \S+: (.*?) *[^ -~]*$", text.strip()).group(1)
        self.assertLessEqual(float(found.split()[0]), EXPOSURE_MAX, text)

    def test_it_runs_as_its_own_user_who_may_bind_low_ports_and_nothing_else(self):
        self.start()
        state = dict(line.split(":\t", 1) for line in machine.run(f"cat /proc/{service.shown('MainPID')}/status").splitlines() if ":\t" in line)
        self.assertEqual(state["Uid"].split()[0], machine.run("id -u tandem-cloud").strip())
        self.assertNotEqual(state["Uid"].split()[0], "0")
        self.assertEqual(int(state["CapEff"], 16) | int(state["CapBnd"], 16), 1 << 10)  # CAP_NET_BIND_SERVICE
        self.assertEqual((state["NoNewPrivs"], state["Seccomp"]), ("1", "2"))

    def test_its_data_are_its_own(self):
        self.start()
        self.add_device("pump 1")
        self.assertEqual(machine.run(f"stat -c '%U:%G %a' {DATA}").strip(), "tandem-cloud:tandem-cloud 700")
        self.assertEqual(machine.run(f"find {DATA} ! -user tandem-cloud -o -perm /077"), "")
        self.assertIn("Permission denied", machine.run(f"setpriv --reuid nobody --regid nogroup --clear-groups ls {DATA}", fails=True))

    def test_a_device_logs_in_through_tls(self):
        self.start()
        device = self.add_device("pump 1")
        machine.run(f"grep -q {NAME} /etc/hosts || echo 127.0.0.1 {NAME} >>/etc/hosts")
        info = json.dumps({"tmpl": s.TEMPLATE, "ver": "1.0.0", "build": "", "type": "pump"})
        machine.run(f"mosquitto_pub -h {NAME} -p 8883 --cafile /root/ca.pem -u device -P {device['token']} -q 1 -t info/mcu -m '{info}'")
        shown_device = json.loads(self.ask("GET", f"/api/v1/devices/{device['id']}")[1])
        self.assertEqual(shown_device["firmware"]["version"], "1.0.0")

    def test_deltas_are_made_and_sent_within_its_limits(self):
        self.start(CLEAR)
        server = self.reached()
        old = deltas.image_of(1)
        new = deltas.changed(old, 2)
        server.upload(deltas.pack(old, "1.0.0"))
        shipment_of = server.upload(deltas.pack(new, "1.1.0"))
        device = s.Device(server, server.add_device()["token"])
        self.addCleanup(device.close)
        device.report(stage="device", event="started", state="confirmed", reason="none", hardware="board-1", about="", counter=1,
                      digest=deltas.digest_of(old), decodes=deltas.BOTH)
        device.check_in("1.0.0")
        server.ship(shipment_of)
        self.assertLess(device.offer()["size"], len(deltas.pack(new, "1.1.0")) / 10)

    def test_options_with_a_mistake_are_said_and_not_tried_again(self):
        with self.assertRaises(CommandFailed):
            self.start("--https nowhere")
        self.assertEqual((service.shown("ActiveState"), service.shown("NRestarts")), ("failed", "0"))
        self.assertIn("tandem-cloud --help", service.journal("-n 20"))


class Supervision(Case):
    def test_one_that_is_killed_starts_again_with_all_that_it_had(self):
        self.start()
        self.add_device("pump 1")
        pid = service.shown("MainPID")
        machine.run(f"systemctl kill -s KILL {UNIT}")
        machine.wait(f"test $(systemctl show --value -p MainPID {UNIT}) -ne {pid} && systemctl is-active --quiet {UNIT}", "another process")
        self.assertEqual(self.names(), {"pump 1"})
        self.assertEqual(machine.run(f"find {DATA} ! -user tandem-cloud"), "")

    def test_its_lines_have_priorities_in_the_journal(self):
        self.start()
        machine.run(f"mosquitto_pub -h 127.0.0.1 -p 8883 --insecure --cafile /root/ca.pem -u device -P nobodys -t info/mcu -m x", fails=True)
        machine.wait(f"journalctl -u {UNIT} -p warning -o cat --no-pager | grep -q login-refused", "the warning")
        self.assertNotIn(" started ", service.journal("-p warning"))

    def test_stopping_ends_well_and_soon(self):
        self.start()
        began = time.monotonic()
        machine.run(f"systemctl stop {UNIT}")
        service.facts["stopping took"] = f"{time.monotonic() - began:.1f} s"
        self.assertEqual((service.shown("ActiveState"), service.shown("Result"), service.shown("ExecMainStatus")), ("inactive", "success", "0"))


class Reload(Case):
    """systemctl reload, after a certificate was renewed."""

    def serial(self):
        return machine.run(f"openssl s_client -connect 127.0.0.1:8883 -servername {NAME} </dev/null 2>/dev/null | openssl x509 -noout -serial")

    def setUp(self):
        super().setUp()
        self.start()
        self.device = self.add_device("pump 1")
        machine.run(f"grep -q {NAME} /etc/hosts || echo 127.0.0.1 {NAME} >>/etc/hosts")
        machine.run(f"systemd-run -q --unit listener mosquitto_sub -h {NAME} -p 8883 --cafile /root/ca.pem -u device -P {self.device['token']} -t 'downlink/#'")
        self.addCleanup(machine.run, "systemctl stop listener; systemctl reset-failed listener; true")
        machine.wait(f"journalctl -u {UNIT} -o cat | grep -q 'device-online device={self.device['id']}'", "the device")

    def assert_nobody_was_disconnected(self):
        self.assertNotIn("device-offline", service.journal())
        self.assertEqual(machine.run("systemctl is-active listener").strip(), "active")

    def test_a_new_certificate_is_shown_and_nobody_is_disconnected(self):
        before, pid = self.serial(), service.shown("MainPID")
        renewed, renewed_key = authority.sign(NAME, f"DNS:{NAME}")
        machine.write("/etc/tandem/server.crt", renewed.read_text())
        machine.run(f"cat >/etc/tandem/server.key <<'END'\n{renewed_key.read_text()}\nEND")
        machine.run(f"systemctl reload {UNIT}")
        s.wait_for("another certificate", lambda: self.serial() not in ("", before))
        self.assertEqual(service.shown("MainPID"), pid)
        self.assert_nobody_was_disconnected()

    def test_files_that_are_wrong_are_said_and_the_old_ones_stay(self):
        before = self.serial()
        machine.run(f"echo nonsense >/etc/tandem/server.crt && systemctl reload {UNIT}")
        machine.wait(f"journalctl -u {UNIT} -o cat | grep -q '/etc/tandem/server.crt'", "what is wrong")
        self.assertEqual(self.serial(), before)
        self.assert_nobody_was_disconnected()


class Keeping(Case):
    """Backup and restore, by root, as docs/OPERATING.md has them."""

    def test_what_root_restored_is_the_services_own(self):
        self.start()
        self.add_device("pump 1")
        machine.run(f"mkdir -p /var/backups/tandem && tandem-cloud backup --data {DATA} --to /var/backups/tandem/b1")
        self.add_device("pump 2")
        machine.run(f"systemctl stop {UNIT} && mkdir /root/old && mv {DATA}/* /root/old/")
        self.addCleanup(machine.run, "rm -rf /root/old")
        machine.run(f"tandem-cloud restore --from /var/backups/tandem/b1 --data {DATA} && cp -p /root/old/admin.token {DATA}/")
        machine.run(f"systemctl start {UNIT}")
        self.assertEqual(self.names(), {"pump 1"})
        self.add_device("pump 3")

    def test_a_check_by_root_of_one_that_is_stopped_leaves_nothing_in_its_way(self):
        self.start()
        self.add_device("pump 1")
        machine.run(f"systemctl kill -s KILL {UNIT}; systemctl stop {UNIT}; tandem-cloud check --data {DATA}")
        machine.run(f"systemctl start {UNIT}")
        self.add_device("pump 2")


def main():
    global machine, service, folder, authority, certificate, key, ports
    guest, programs, *cases = sys.argv[1:]
    folder = tempfile.TemporaryDirectory(prefix="tandem-vm-")
    authority = Authority(folder.name)
    certificate, key = authority.sign(NAME, f"DNS:{NAME}")
    ports = {door: free_port() for door in (8080, 1883)}
    with folder, Machine(guest, folder.name, programs, ports) as machine:
        service = Service(machine, UNIT)
        print("tandem-cloud under systemd, in QEMU\n")
        return service.run_cases(cases)


if __name__ == "__main__":
    sys.exit(main())
