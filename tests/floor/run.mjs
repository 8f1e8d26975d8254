// SPDX-License-Identifier: Apache-2.0
// Runs tests under MicroPython's WebAssembly build:
//     node run.mjs <MicroPython's folder> <tree> <folder of the tests> [test_name ...]
// The tree's modules, the tests and the stand-ins of stand_in/ are copied into its file system under the same paths.

import { createHash, randomBytes } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [micropython, tree, tests, ...names] = process.argv.slice(2);
const { loadMicroPython } = await import(pathToFileURL(join(resolve(micropython), "micropython.mjs")));

const mp = await loadMicroPython({
    heapsize: 2 * 1024 * 1024, // the unix port's default
    linebuffer: true,
    stdout: (line) => process.stdout.write(line + "\n"),
});

function copy(from, to) {
    if (statSync(from).isDirectory()) {
        mp.FS.mkdirTree(to);
        for (const name of readdirSync(from)) {
            if (name !== "__pycache__") copy(join(from, name), `${to}/${name}`);
        }
    } else {
        mp.FS.writeFile(to, readFileSync(from));
    }
}

for (const folder of ["src", "files", "tests/unit", "tests/fuzz", "tests/corpus", "tests/floor/stand_in"]) {
    if (existsSync(join(tree, folder))) copy(join(tree, folder), `/${folder}`);
}
mp.FS.mkdirTree("/lib");
copy(join(micropython, "unittest.py"), "/lib/unittest.py");

// This build has neither MD5 nor random octets: stand_in/hashlib.py and os.urandom take node's.
mp.registerJsModule("node_crypto", {
    random: (count) => randomBytes(count).toString("hex"),
    md5: (hex) => createHash("md5").update(Buffer.from(hex, "hex")).digest("hex"),
});

mp.globals.set("tests", "/" + tests);
mp.globals.set("names", names.join(" "));
mp.runPython(`
import binascii, os, sys
import node_crypto
os.urandom = lambda count: binascii.unhexlify(node_crypto.random(count))
sys.path[:] = ["/tests/unit", "/tests/floor/stand_in", "/src", "/lib"]
import run_micropython
status = run_micropython.run(tests, names.split())
`);
process.exitCode = mp.globals.get("status");
