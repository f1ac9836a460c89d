#!/usr/bin/env python3
"""The include check must report faults: builds a small tree with known ones in a scratch folder."""
import io
import contextlib
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import check_includes

FAULTS = {
    "lib/array/a.cc": '#include "lib/exec/plan.h"\n',            # upwards
    "lib/kernels/k.cc": "#include <nlohmann/json.hpp>\n",         # another folder's library
    "lib/shm/claims.cc": "#include <boost/interprocess/mapped_region.hpp>\n",  # not in segment.*
    "include/ndshare/x.h": '#include "lib/base/text.h"\n',        # public header that needs an internal one
    "lib/array/b.cc": "#include <ndshare/store.h>\n",             # upwards through a public header
    "lib/base/long.h": "//\n" * 201,
}
GOOD = {"lib/array/c.cc": '#include "lib/base/text.h"\n#include <vector>\n', "lib/shm/segment.cc": "#include <boost/interprocess/mapped_region.hpp>\n"}

with tempfile.TemporaryDirectory() as folder:
    root = pathlib.Path(folder)
    for name, text in {**FAULTS, **GOOD}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        status = check_includes.main(root)
    text = out.getvalue()
missed = [name for name in FAULTS if name not in text]
wrong = [name for name in GOOD if name in text]
print(text, "missed:", missed, "wrong:", wrong)
sys.exit(1 if missed or wrong or status == 0 else 0)
