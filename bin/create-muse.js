#!/usr/bin/env node
import { launch } from './launch.js';

await launch('create-muse', () => import('../dist/cli/create-muse.js'));
