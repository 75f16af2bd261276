"""What Schemathesis has to be told of a server: how a stream of lines is read, and how long answers may be."""

import json
import os
import zlib

import schemathesis

most = int(os.environ["LONGSHORE_FUZZ_MOST"])
# What the document allows; more has to be refused, and is sent as it is.
allowed = {
    "max_tokens": 2**53 - 1,
    "max_completion_tokens": 2**53 - 1,
    "max_output_tokens": 2**53 - 1,
    "num_predict": 2**53 - 1,
    "n": 16,
}
models = os.environ["LONGSHORE_FUZZ_MODELS"].split()


@schemathesis.deserializer("application/x-ndjson")
def lines(context, response):
    return [json.loads(line) for line in response.content.splitlines()]


def shortened(fields):
    return {
        name: most if type(value) is int and most < value <= allowed.get(name, 0) else value
        for name, value in fields.items()
    }


def name_known(case):
    """Names that are made up are nobody's: most of them become one that is there, the same for the same request."""
    places = [(case.body, name) for name in ("model", "name", "model_id")]
    places += [(case.path_parameters, name) for name in ("model", "name")]
    chosen = zlib.crc32(repr((case.body, case.path_parameters)).encode())
    for fields, name in places:
        if models and chosen % 5 and isinstance(fields, dict) and isinstance(fields.get(name), str) and fields[name]:
            fields[name] = models[chosen // 5 % len(models)]


@schemathesis.hook
def before_call(context, case, kwargs):
    """Answers that are long find no more than short ones, and the time is better spent."""
    name_known(case)
    if not isinstance(case.body, dict):
        return
    case.body = shortened(case.body)
    if isinstance(case.body.get("options"), dict):
        case.body["options"] = shortened(case.body["options"])
