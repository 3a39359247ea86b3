#!/usr/bin/env node
import { launch } from './launch.js';

await launch('create-muse', () => import('../build/cli/create-muse.js'));
