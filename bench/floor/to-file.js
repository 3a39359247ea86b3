// Runs a Node script and writes its stdout to a file: node to-file.js <file> <script> [argument …]
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';

const [file = '', ...command] = process.argv.slice(2);
const { stdout, stderr, status } = spawnSync(process.execPath, command, { encoding: 'utf8', maxBuffer: 1 << 28 });
writeFileSync(file, stdout);
process.stderr.write(stderr);
process.exit(status ?? 1);
