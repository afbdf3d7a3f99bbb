# SPDX-License-Identifier: GPL-2.0-or-later
"""The schema of the report's lines as tests use it: compiled once, and many lines alike looked at once."""

import functools
import json
import os

import jsonschema

PATH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "share", "btrfs-raid56", "report.schema.json")
MANY = ("damage", "action", "unknown")  # lines of which one report may have tens of thousands


@functools.cache
def load():
    with open(PATH, encoding="utf-8") as text:
        return json.load(text)


@functools.cache
def _validator():
    jsonschema.Draft202012Validator.check_schema(load())
    return jsonschema.Draft202012Validator(load())


def problem(line):
    """What the schema has against a line (a parsed JSON value), or None."""
    error = next(_validator().iter_errors(line), None)
    return error and f"{error.json_path}: {error.message}"


_held = set()  # shapes of lines that the schema has nothing against


def _shape(line):
    """What all lines alike share, or None. The schema asks of the numbers of such lines only whether they are negative,
    zero or positive, and looks into arrays."""
    if not isinstance(line, dict) or line.get("type") not in MANY or "files" in line:
        return None
    return tuple((name, (value > 0) - (value < 0) if type(value) is int else repr(value))
                 for name, value in line.items())


def check(lines):
    """Raises AssertionError at the first of some parsed lines that the schema refuses."""
    for line in lines:
        shape = _shape(line)
        if shape in _held:
            continue
        wrong = problem(line)
        if wrong:
            raise AssertionError(f"not of the schema: {wrong}: {json.dumps(line)[:400]}")
        if shape:
            _held.add(shape)
