/** Vitest's setup file: its processes run for minutes, so PostgreSQL is worth optimizing there. */
import { optimizeWasm } from '../../src/shared/wasm.ts';

optimizeWasm();
