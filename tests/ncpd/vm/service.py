"""A program as a service in such a machine (machine.py): what systemd says of its unit, and its cases, told one by one.

    service = Service(machine, "tandem-ncp.service")
    service.shown("ActiveState")                         # "active"
    service.facts["stopping took"] = "0.4 s"            # told in the end
    sys.exit(service.run_cases(sys.argv[3:]))"""

import functools
import sys
import time
import unittest


class Service:
    def __init__(self, machine, unit):
        self.machine = machine
        self.unit = unit
        self.facts = {}  # which the cases find out

    def shown(self, name):
        """A property of the unit."""
        return self.machine.run(f"systemctl show --value -p {name} {self.unit}").strip()

    def journal(self, *words):
        return self.machine.run(f"journalctl -u {self.unit} -o cat --no-pager {' '.join(words)}")

    def run_cases(self, names):
        """Those of the program that runs, or all. The program's exit status."""
        loader, main = unittest.defaultTestLoader, sys.modules["__main__"]
        suite = loader.loadTestsFromNames(names, main) if names else loader.loadTestsFromModule(main)
        result = unittest.TextTestRunner(sys.stderr, resultclass=functools.partial(_Report, self)).run(suite)
        print("\n" + "\n".join(f"  {name}: {value}" for name, value in self.facts.items()))
        print(f"\n{result.testsRun} cases, {len(result.failures) + len(result.errors)} failed")
        return 0 if result.wasSuccessful() else 1


class _Report(unittest.TextTestResult):
    """A line for each case as it ends, and of one that failed what the journal says."""

    def __init__(self, service, *runner):
        super().__init__(*runner)
        self.service = service

    def startTest(self, test):  # noqa: N802
        super().startTest(test)
        self.began = time.monotonic()

    def addSuccess(self, test):  # noqa: N802
        super().addSuccess(test)
        self.say("ok", test)

    def addFailure(self, test, error):  # noqa: N802
        super().addFailure(test, error)
        self.say("FAILED", test)
        journal = self.service.machine.run(f"journalctl -u {self.service.unit} -n 20 --no-pager || true")
        print(self._exc_info_to_string(error, test), journal, file=sys.stderr, flush=True)

    addError = addFailure  # noqa: N815

    def say(self, how, test):
        words = test._testMethodName.removeprefix("test_").replace("_", " ")
        print(f"  {how:<6} {type(test).__name__}: {words} ({time.monotonic() - self.began:.0f} s)", flush=True)
