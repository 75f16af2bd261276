"""What Schemathesis has to be told of a server: how a stream of lines is read, and how long answers may be."""

import json
import os

import schemathesis

most = int(os.environ["LONGSHORE_FUZZ_MOST"])
lengths = ("max_tokens", "max_completion_tokens", "max_output_tokens", "num_predict", "n")


@schemathesis.deserializer("application/x-ndjson")
def lines(context, response):
    return [json.loads(line) for line in response.content.splitlines()]


def shortened(fields):
    return {
        name: most if name in lengths and type(value) is int and value > most else value
        for name, value in fields.items()
    }


@schemathesis.hook
def map_body(context, body):
    """Answers that are long find no more than short ones, and the time is better spent."""
    if not isinstance(body, dict):
        return body
    options = body.get("options")
    return {**shortened(body), **({"options": shortened(options)} if isinstance(options, dict) else {})}
