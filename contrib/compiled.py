#!/usr/bin/env python3
"""Prints a list of crates (CycloneDX, the file of the argument) with those alone that `cargo tree` names on standard input."""

import json
import os
import pathlib
import sys

compiled = {tuple(line.split()[:2]) for line in sys.stdin if line.strip()}
# Names of the workspace's own crates hold the folder that it lies in.
bill = json.loads(pathlib.Path(sys.argv[1]).read_text().replace(os.getcwd(), "."))
bill["components"] = [part for part in bill["components"] if (part["name"], f"v{part['version']}") in compiled]
kept = {part["bom-ref"] for part in [bill["metadata"]["component"], *bill["components"]]}
bill["dependencies"] = [
    {**edge, "dependsOn": [crate for crate in edge.get("dependsOn", []) if crate in kept]}
    for edge in bill["dependencies"] if edge["ref"] in kept]
json.dump(bill, sys.stdout, indent=1)
