"""Runs test cases side by side: most of their time they wait for time limits of the protocol.

    if __name__ == "__main__":
        side_by_side.main()          # all cases of the program, or those that the command line names"""

import io
import sys
import unittest
from concurrent.futures import ThreadPoolExecutor

WORKERS = 8


def _cases(suite):
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from _cases(item)
        else:
            yield item


def _run(case):
    stream = io.StringIO()
    result = unittest.TextTestRunner(stream, verbosity=2).run(case)
    print(f"{'ok    ' if result.wasSuccessful() else 'FAILED'} {case.id()}", flush=True)
    return result.wasSuccessful(), stream.getvalue()


def main():
    loader = unittest.TestLoader()
    module = sys.modules["__main__"]
    names = sys.argv[1:]
    suite = loader.loadTestsFromNames(names, module) if names else loader.loadTestsFromModule(module)
    with ThreadPoolExecutor(WORKERS) as pool:
        results = list(pool.map(_run, _cases(suite)))
    print("\n".join(text for good, text in results if not good))
    print(f"{len(results)} cases, {sum(not good for good, _ in results)} failed")
    sys.exit(0 if results and all(good for good, _ in results) else 1)
