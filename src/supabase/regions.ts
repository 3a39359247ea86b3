import { MuseError } from '../shared/error.ts';
import type { Region, RegionSelection, RegionsInfo } from './types.ts';

/** Which regions a smart group can pick from, by the first part of a region's code. */
const groups: Record<string, readonly string[]> = {
  americas: ['us', 'ca', 'sa', 'mx'],
  emea: ['eu', 'me', 'af', 'il'],
  apac: ['ap'],
};

/** A region to choose, the recommended ones first. */
export interface RegionChoice extends RegionSelection {
  name: string;
  recommended: boolean;
}

/** Every region of the answer: the recommended group, the recommended regions, the other groups, the other regions. */
export function regionChoices(info: RegionsInfo): RegionChoice[] {
  const first = [info.recommendations.smartGroup, ...info.recommendations.specific];
  const rest = [...info.all.smartGroup, ...info.all.specific].filter(
    (region) => !first.some((one) => one.code === region.code),
  );
  const choice =
    (recommended: boolean) =>
    (region: Region): RegionChoice => ({
      type: region.type,
      code: region.code,
      name: region.status === 'capacity' ? `${region.name} (short of capacity)` : region.name,
      recommended,
    });
  return [...first.map(choice(true)), ...rest.map(choice(false))];
}

/**
 * The requested region in the form that a request needs; without one, the recommended group.
 * @throws MuseError `bad-region`
 */
export function chooseRegion(info: RegionsInfo, code: string | undefined): RegionSelection {
  if (code === undefined) return { type: 'smartGroup', code: info.recommendations.smartGroup.code };
  const choices = regionChoices(info);
  const found = choices.find((choice) => choice.code === code);
  if (found) return { type: found.type, code: found.code };
  throw new MuseError({
    code: 'bad-region',
    message: `There is no region "${code}" for this organization.`,
    detail: choices
      .map((choice) => `${choice.code.padEnd(16)} ${choice.name}${choice.recommended ? ', recommended' : ''}`)
      .join('\n'),
    suggestion: `Set --region to one of these; ${info.recommendations.smartGroup.code} is recommended.`,
  });
}

/** A code in the form that a request needs, without the platform's list of regions. */
export function selectionOf(code: string): RegionSelection {
  return { type: Object.hasOwn(groups, code) ? 'smartGroup' : 'specific', code };
}

/** Says whether a project in `region` matches this selection. An unknown group matches any region. */
export function regionMatches(selection: RegionSelection, region: string): boolean {
  if (selection.type === 'specific') return region === selection.code;
  const group = groups[selection.code];
  return group === undefined || group.includes(region.split('-')[0] ?? '');
}
