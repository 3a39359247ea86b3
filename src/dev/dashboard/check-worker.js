/**
 * The thread in which the files of a muse are checked: reading them and planning the proof takes the processor for a good
 * part of a second at a time, in which the server's own thread would answer nobody. JavaScript, because Node itself loads a
 * worker.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { check } from './check.ts';

const port = /** @type {import('node:worker_threads').MessagePort} */ (parentPort);
/** @param {import('./check.ts').CheckMessage} message */
const say = (message) => port.postMessage(message);

say({ outcome: await check(/** @type {string} */ (workerData), (progress) => say({ progress })) });
