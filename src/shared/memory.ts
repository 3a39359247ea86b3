import { setFlagsFromString } from 'node:v8';

/**
 * Lets V8 collect garbage sooner. For a server of many small requests that wait for a database: while they wait, V8 moves their objects
 * among those that live long, and lets these grow to a multiple of what is in use before it looks at them again.
 */
export function collectSooner(): void {
  // In percent: how far the old generation may grow beyond what was in use at the last collection; 100 to 300 otherwise.
  setFlagsFromString('--heap-growing-percent=20');
  // In percent of the young generation: how full it may be when the event loop has a moment; 80 otherwise.
  setFlagsFromString('--minor-gc-task-trigger=25');
}
