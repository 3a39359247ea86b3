import type { Finding } from '../../shared/finding.ts';
import { stopsFiles } from '../registry.ts';
import { foldBy } from './fold.ts';

/** {@link foldBy} what the rules say of themselves. */
export const foldConsequences = (findings: readonly Finding[]): Finding[] => foldBy(stopsFiles, findings);
