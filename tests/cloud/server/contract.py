"""docs/openapi.json as a judge: every answer that a test sees is looked up in it."""

import json
import re
from pathlib import Path

import jsonschema

DOCUMENT = json.loads((Path(__file__).resolve().parents[3] / "docs/openapi.json").read_text())
# Refusals before anybody looked at the operation, and the server's own trouble; the file has them as `default`.
BEFORE = {405, 408, 411, 413, 414, 415, 431, 500, 501, 503, 505, 507}

seen = set()  # (operation, status)


def _operations():
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            yield re.compile(re.sub(r"\\{id\\}", r"[^/?]+", re.escape(path)) + r"(\?.*)?$"), method.upper(), operation


OPERATIONS = list(_operations())
_validators = {}


def find(method, path):
    for pattern, verb, operation in OPERATIONS:
        if verb == method and pattern.match(path):
            return operation
    return None


def _validate(schema, value):
    key = json.dumps(schema, sort_keys=True)
    if key not in _validators:
        whole = {**schema, "components": DOCUMENT["components"]}
        _validators[key] = jsonschema.Draft202012Validator(whole)
    errors = list(_validators[key].iter_errors(value))
    assert not errors, f"{errors[0].message} at {list(errors[0].absolute_path)} in {value}"


def check(method, path, answer):
    """An answer of the server to a request of a test."""
    operation = find(method, path)
    if operation is None or "content-type" not in answer.headers and answer.status >= 400 and method != "HEAD":
        return
    name, responses = operation["operationId"], operation["responses"]
    if str(answer.status) not in responses:
        assert answer.status in BEFORE and "default" in responses, f"{name} answers {answer.status}, docs/openapi.json does not"
        return
    seen.add((name, answer.status))
    content = responses[str(answer.status)].get("content")
    if method == "HEAD":
        return
    if content is None:
        assert answer.body == b"", f"{name} {answer.status}: a body that docs/openapi.json does not have"
        return
    kind = answer.headers["content-type"].split(";")[0]
    assert kind in content, f"{name} {answer.status}: {kind} is not in docs/openapi.json"
    if "json" in kind and "schema" in content[kind]:
        _validate(content[kind]["schema"], answer.json)
