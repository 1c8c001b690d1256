// SPDX-License-Identifier: BSL-1.0
//
// node compile.mjs DESCRIPTION FOLDER: write the Python parser of a Kaitai description into a folder.
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const [description, folder] = process.argv.slice(2);
const load = createRequire(join(process.env.PVHBOOT_NODE_MODULES, "compile.cjs"));
const compiler = new (load("kaitai-struct-compiler"))();
const files = await compiler.compile("python", load("js-yaml").load(readFileSync(description, "utf8")), null, false);
for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
