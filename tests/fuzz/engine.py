# SPDX-License-Identifier: Apache-2.0
"""One target under atheris, which is libFuzzer for Python: python -m tests.fuzz.engine TARGET [libFuzzer's words]."""

import sys

import atheris

with atheris.instrument_imports(include=["softwire", "softwired", "pyrad_lite"]):
    from tests.fuzz import targets

from tests.fuzz import mutation


def mutate_json(data, size, seed):
    """Half of the mutations keep to the form of JSON."""
    random = mutation.Random(seed)
    changed = mutation.mutate_json(data, random) if random.below(2) else None
    return changed[:size] if changed else atheris.Mutate(data, size)


def main():
    name = sys.argv[1]
    more = {"custom_mutator": mutate_json} if name in targets.JSON else {}
    atheris.Setup([name, *sys.argv[2:]], lambda data: targets.run(name, data), **more)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
