export function standInFiles(): { name: string; content: string }[] {
  return [];
}
