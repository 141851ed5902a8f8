"""Holds what schemathesis has found against accepted.json: python compare.py FOUND ACCEPTED

FOUND is a baseline that schemathesis has written, with an entry for each failure. A failure that no rule accepts is an error, and so is a
rule that accepts nothing.
"""

import json
import re
import sys
from pathlib import Path


def covers(rule: dict[str, str], found: dict[str, str]) -> bool:
    # Schemas have other numbers as the document grows.
    signature = re.sub(r"^x-bundled/schema\d+/", "", found["signature"])
    same = rule["check"] == found["check"] and rule["signature"] == signature
    return same and re.search(rule["operations"], found["operation"]) is not None


def main() -> int:
    found, rules = (json.loads(Path(path).read_text()) for path in sys.argv[1:])
    entries = found["entries"]
    new = [entry for entry in entries if not any(covers(rule, entry) for rule in rules)]
    idle = [rule for rule in rules if not any(covers(rule, entry) for entry in entries)]
    for entry in new:
        print(f"{entry['operation']}: {entry['check']}, {entry['failure']} {entry['signature']}")
    for rule in idle:
        print(f"accepted.json: nothing is found any more for {rule['check']} {rule['signature']} {rule['operations']}")
    print(f"{len(entries)} findings, {len(entries) - len(new)} of them accepted for the reasons in accepted.json")
    return 1 if new or idle else 0


sys.exit(main())
