export const standIns: readonly { extension: string; note: string }[] = [];
export function standInFiles(): { name: string; content: string }[] {
  return [];
}
