"""Runs a command and says what it took, as one line of JSON on standard error: seconds, CPU seconds, peak KiB."""

import json
import resource
import subprocess
import sys
import time

begun = time.monotonic()
status = subprocess.call(sys.argv[1:], stdout=subprocess.DEVNULL)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
took = {
    "seconds": time.monotonic() - begun,
    "cpuSeconds": used.ru_utime + used.ru_stime,
    "peakKiB": used.ru_maxrss,
}
print(json.dumps(took), file=sys.stderr)
sys.exit(status)
