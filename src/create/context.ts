import type { EmbeddedDatabase } from '../database/embedded/embedded.ts';
import type { Database } from '../database/database.ts';
import type { Finding } from '../finding.ts';
import type { Layer, Migration } from '../migrations/migration.ts';
import type { MuseFile } from '../muse-file.ts';
import type { Answers, Secrets } from './answers.ts';
import type { Journal } from './journal.ts';
import type { StepEvents, StepResult } from './step.ts';
