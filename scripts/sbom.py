#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Prints what the shared library is made of, as CycloneDX 1.5 in JSON.

Run in the clone. Each crate whose code is in the library, with its licence, where it comes from and the
checksum of Cargo.lock; nothing of what only builds or tests it. The same sources give the same bytes.
"""
import json
import os
import re
import subprocess
import uuid

CARGO = os.environ.get("CARGO", "cargo")
TARGET = os.environ.get("SIPXFER_TARGET", "x86_64-unknown-linux-gnu")


def metadata():
    done = subprocess.run(
        [CARGO, "metadata", "--format-version=1", "--locked", "--no-default-features",
         "--filter-platform", TARGET],
        check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)


def checksums():
    """By name and version, from Cargo.lock."""
    found = {}
    with open("Cargo.lock", encoding="utf-8") as lock:
        for block in lock.read().split("[[package]]"):
            value = dict(re.findall(r'^(name|version|checksum) = "(.*)"$', block, re.M))
            if "checksum" in value:
                found[value["name"], value["version"]] = value["checksum"]
    return found


def component(package, sums):
    name, version = package["name"], package["version"]
    purl = f"pkg:cargo/{name}@{version}"
    made = {
        "type": "library",
        "bom-ref": purl,
        "name": name,
        "version": version,
        "scope": "required",
        # Old manifests have a slash where the others say OR.
        "licenses": [{"expression": package["license"].replace("/", " OR ")}],
        "purl": purl,
    }
    if package["description"]:
        made["description"] = " ".join(package["description"].split())
    if (name, version) in sums:
        made["hashes"] = [{"alg": "SHA-256", "content": sums[name, version]}]
    if package["repository"]:
        made["externalReferences"] = [{"type": "vcs", "url": package["repository"]}]
    return made


def main():
    data = metadata()
    packages = {package["id"]: package for package in data["packages"]}
    nodes = {node["id"]: node for node in data["resolve"]["nodes"]}
    root = data["resolve"]["root"]

    def needs(one):
        """What is linked: neither build scripts and macros, nor tests."""
        return sorted(
            dep["pkg"] for dep in nodes[one]["deps"]
            if any(kind["kind"] is None for kind in dep["dep_kinds"])
            and not any("proc-macro" in target["kind"] for target in packages[dep["pkg"]]["targets"]))

    seen, waiting = {root}, [root]
    while waiting:
        for other in needs(waiting.pop()):
            if other not in seen:
                seen.add(other)
                waiting.append(other)

    sums = checksums()
    made = {one: component(packages[one], sums) for one in seen}
    order = sorted(seen, key=lambda one: (packages[one]["name"], packages[one]["version"]))
    bom = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": made[root]},
        "components": [made[one] for one in order if one != root],
        "dependencies": [
            {"ref": made[one]["bom-ref"], "dependsOn": [made[other]["bom-ref"] for other in needs(one)]}
            for one in order
        ],
    }
    # Named by what it says, so that nothing but a change of that changes it.
    name = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(bom, sort_keys=True))
    bom = {**dict(list(bom.items())[:2]), "serialNumber": f"urn:uuid:{name}", **dict(list(bom.items())[2:])}
    print(json.dumps(bom, indent=2, ensure_ascii=False))


main()
