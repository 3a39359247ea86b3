#!/usr/bin/env node
import { launch } from './launch.js';

await launch('muse', () => import('../dist/cli/muse.js'));
