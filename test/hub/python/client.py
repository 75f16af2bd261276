"""Calls huggingface_hub as it is told: on each line of stdin a call as JSON, on each line of stdout its outcome."""

import json
import sys

import huggingface_hub


def plain(value):
    return getattr(value, "__dict__", None) or str(value)


for line in sys.stdin:
    call = json.loads(line)
    try:
        result = getattr(huggingface_hub, call["name"])(**call["arguments"])
        outcome = {"result": result}
    except Exception as error:
        kinds = [kind.__name__ for kind in type(error).__mro__]
        outcome = {"error": {"kinds": kinds, "message": str(error)}}
    print(json.dumps(outcome, default=plain), flush=True)
