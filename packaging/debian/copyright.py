#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Prints debian/copyright: this project and every crate whose code is in what is packaged.

Run in the clone. A crate whose licence is not one of those below ends it: somebody has to look.
"""
import json
import os
import pathlib
import re
import subprocess
import sys

CARGO = os.environ.get("CARGO", "cargo")

# What is packaged: the library and the tool, and the library of a cluster.
PACKAGES = ["-p", "sipxfer", "-p", "sipxfer-cluster"]

# Of these the text is taken out of a crate that is under them: the file whose text has this in it.
TAKEN = {
    "ISC": "Permission to use, copy, modify, and/or distribute this software for any",
    "BSD-3-Clause": "Neither the name",
    "BSL-1.0": "Permission is hereby granted, free of charge, to any person or organization",
    "Unicode-3.0": "UNICODE LICENSE V3",
}

# The first of these that a crate offers is the one under which it is used.
LICENCES = {
    "MIT": """\
Permission is hereby granted, free of charge, to any person obtaining a copy of this software and
associated documentation files (the "Software"), to deal in the Software without restriction,
including without limitation the rights to use, copy, modify, merge, publish, distribute,
sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial
portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT
NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND
NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES
OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN
CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.""",
    "Zlib": """\
This software is provided 'as-is', without any express or implied warranty. In no event will the
authors be held liable for any damages arising from the use of this software.

Permission is granted to anyone to use this software for any purpose, including commercial
applications, and to alter it and redistribute it freely, subject to the following restrictions:

1. The origin of this software must not be misrepresented; you must not claim that you wrote the
original software. If you use this software in a product, an acknowledgment in the product
documentation would be appreciated but is not required.

2. Altered source versions must be plainly marked as such, and must not be misrepresented as being
the original software.

3. This notice may not be removed or altered from any source distribution.""",
    "Apache-2.0": "On Debian systems the text is in /usr/share/common-licenses/Apache-2.0.",
}


def run(*arguments):
    done = subprocess.run([CARGO, *arguments], check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout


def chosen(package):
    """The licences that all hold for a crate, one of each choice that it leaves."""
    names = []
    for part in re.split(r"\s+AND\s+", package["license"] or ""):
        offered = re.split(r"\s+OR\s+|/", part.strip("()"))
        known = [licence for licence in [*LICENCES, *TAKEN] if licence in offered]
        if not known:
            sys.exit(f"copyright.py: {package['name']} is under {package['license']}: not a known licence")
        names.append(known[0])
    return names


def licence_files(package):
    folder = pathlib.Path(package["manifest_path"]).parent
    files = [*sorted(folder.glob("LICEN*")), *sorted(folder.glob("COPY*"))]
    return [file for file in files if file.is_file()]


def taken(licence, packages):
    """The text of a licence as the first crate has it that has it."""
    for package in packages:
        for file in licence_files(package):
            text = file.read_text(errors="replace")
            if TAKEN[licence] in " ".join(text.split()):
                return text.strip()
    sys.exit(f"copyright.py: no crate has the text of {licence}")


def holders(package):
    """The copyright lines of the crate's own files; its authors where there is none."""
    found = []
    for file in licence_files(package):
        if "APACHE" in file.name.upper():
            continue
        for line in file.read_text(errors="replace").splitlines():
            line = line.strip()
            match = re.match(r"Copyright\s+(?:\(c\)\s*)?(.*\S)", line, re.IGNORECASE)
            if match and not re.match(r"(notice|holder|owner|and|or)\b", match[1], re.IGNORECASE):
                found.append(match[1].rstrip("."))
    names = [re.sub(r"\s*<.*>", "", author) for author in package["authors"]]
    # Some have the years in one line and the names in the next ones.
    found = [line if re.search("[A-Za-z]", line) else f"{line} the authors of {package['name']}" for line in found]
    return list(dict.fromkeys(found or names)) or [f"The authors of {package['name']}"]


def stanza(files, who, licence, comment=""):
    lines = [f"Files: {files}", "Copyright: " + "\n           ".join(who), f"License: {licence}"]
    if comment:
        lines.append(f"Comment: {comment}")
    return "\n".join(lines) + "\n"


def main():
    packages = json.loads(run("metadata", "--locked", "--format-version", "1"))["packages"]
    edges = "normal,no-proc-macro"
    linked = run("tree", "--locked", *PACKAGES, "-e", edges, "--prefix", "none", "--format", "{p}")
    linked = {tuple(line.split(" ")[:2]) for line in linked.split("\n") if line}
    print("Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/")
    print("Upstream-Name: sipxfer")
    print("Comment: The programs and libraries contain the crates named below and Rust's standard library.\n")
    print(stanza("*", ["2026 The sipxfer authors"], "MIT or Apache-2.0"))
    print(stanza("rust/std/*", ["The Rust Project contributors"], "MIT or Apache-2.0"))
    linked = [it for it in packages if (it["name"], "v" + it["version"]) in linked and it["source"]]
    names = set()
    for package in linked:
        files = f"rust/{package['name']}-{package['version']}/*"
        names.update(chosen(package))
        print(stanza(files, holders(package), " and ".join(chosen(package))))
    texts = LICENCES | {it: taken(it, linked) for it in TAKEN if it in names}
    for licence, text in texts.items():
        print(f"License: {licence}")
        for line in text.splitlines():
            print(f" {line}" if line.strip() else " .")
        print()


main()
