#!/usr/bin/env python3
"""Checks every #include of the tree against the include table, and the sizes that the style sets.

usage: check_includes.py ROOT      exit 1 and one line a finding
The table is the project's layering: data flows one way, and a third-party library is named in its own folders only.
"""
import pathlib
import re
import sys

# folder -> project folders it may include (itself and public headers are always allowed, see below)
LAYERS = {
    "lib/base": [],
    "lib/array": ["lib/base"],
    "lib/kernels": ["lib/base", "lib/array"],
    "lib/exec": ["lib/base", "lib/array", "lib/kernels"],
    "lib/random": ["lib/base", "lib/array", "lib/kernels", "lib/exec"],
    "lib/select": ["lib/base", "lib/array", "lib/kernels", "lib/exec"],
    "lib/order": ["lib/base", "lib/array", "lib/kernels", "lib/exec"],
    "lib/table": ["lib/base", "lib/array", "lib/kernels", "lib/exec"],
    "lib/expr": ["lib/base", "lib/array", "lib/kernels", "lib/exec", "lib/select", "lib/order", "lib/table"],
    "lib/io": ["lib/base", "lib/array", "lib/kernels", "lib/exec"],
    "lib/shm": ["lib/base", "lib/array"],
    "lib/wire": ["lib/base", "lib/array"],
    "daemon": ["lib/base", "lib/array", "lib/shm", "lib/wire"],
    "client": ["lib/base", "lib/array", "lib/shm", "lib/wire", "lib/exec", "lib/random", "lib/select", "lib/order", "lib/table", "lib/expr", "lib/io"],
    "tools": ["lib/base"],
    "include/ndshare": [],
}
# third-party include prefix -> folders that may name it
THIRD_PARTY = {
    r"spdlog/|fmt/": ["lib/base"],
    r"hwy/|sleef": ["lib/kernels", "tools"],  # its sort is a peer to measure against
    r"tbb/|oneapi/": ["lib/exec"],
    r"zip\.h|zlib\.h": ["lib/io"],
    r"boost/interprocess": ["lib/shm", "tools"],  # in the benchmarks as a peer to measure against
    r"Eigen/": ["tools"],  # likewise
    r"boost/asio|boost/icl|boost/system": ["daemon"],
    r"prometheus/": ["daemon"],
    r"nlohmann/": ["lib/wire", "tools"],
    r"CLI/": ["tools"],
    r"n?curses\.h|ncursesw/": ["tools"],  # tools/cli/top_screen.cc
    r"png\.h": ["tools"],  # tools/cli/picture.cc
    r"benchmark/": ["tools"],
}
# Boost.Interprocess is named in one file, not one folder.
ONE_FILE = {r"hwy/|sleef": re.compile(r"^(lib/kernels/|tools/bench/bench_order\.cc)"),
            r"boost/interprocess": re.compile(r"^(lib/shm/segment\.|tools/bench/)"),
            r"prometheus/": re.compile(r"^daemon/metrics_server\.cc")}
# public headers that belong to a layer: who may include them is decided by the layer that implements them
PUBLIC_LAYER = {"store.h": "client", "shared_array.h": "client", "admin.h": "client", "telemetry.h": "client", "ndshare.h": "client",
                "ops.h": "lib/exec", "threads.h": "lib/exec", "random.h": "lib/random", "io.h": "lib/io",
                "csv.h": "lib/io", "source.h": "lib/io"}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
LIMITS = {".h": 200, ".cc": 400}


def folder_of(path):
    return next((f for f in LAYERS if path.startswith(f + "/")), None)


def check_include(path, folder, quote, name):
    if name.startswith("ndshare/"):
        layer = PUBLIC_LAYER.get(name[len("ndshare/"):])
        if layer and folder not in (layer, "include/ndshare", "tools") and layer not in LAYERS[folder]:
            return f"includes <{name}>, which {layer} implements"
        return None
    target = folder_of(name)
    if target:
        if folder == "include/ndshare":
            return f"is a public header and includes {name}"
        if target != folder and target not in LAYERS[folder]:
            return f"may not include {target} ({name})"
        return None
    for pattern, folders in THIRD_PARTY.items():
        if re.match(pattern, name):
            only = ONE_FILE.get(pattern)
            if folder not in folders or (only and not only.match(path)):
                return f"names a third-party header that belongs to {' and '.join(folders)}: {name}"
            return None
    if "/" in name and not name.startswith(("sys/", "linux/", "netinet/")):
        return f"names a header that the include table does not know: {name}"
    return None


def main(root):
    findings, seen = [], 0
    for file in sorted(p for f in LAYERS for p in (root / f).rglob("*") if p.suffix in (".h", ".cc", ".inc")):
        path = file.relative_to(root).as_posix()
        folder = folder_of(path)
        lines = file.read_text(encoding="utf-8").splitlines()
        seen += 1
        for number, line in enumerate(lines, 1):
            match = INCLUDE.match(line)
            wrong = match and check_include(path, folder, *match.groups())
            if wrong:
                findings.append(f"{path}:{number}: {wrong}")
        limit = LIMITS.get(file.suffix)
        if limit and len(lines) > limit:
            findings.append(f"{path}: {len(lines)} lines, the limit is {limit}: look for the second idea in it")
    for finding in findings:
        print(finding)
    print(f"{seen} files read, {len(findings)} findings")
    return 1 if findings or seen < 20 else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
