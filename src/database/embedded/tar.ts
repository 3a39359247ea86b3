/**
 * Reads an uncompressed tar archive of plain files and directories, the format of PGlite's dumps and extension bundles.
 * Other kinds of entries are skipped. Leading `/` and `./` and trailing `/` of names are removed.
 */
export function readTar(archive: Uint8Array): { path: string; bytes?: Uint8Array }[] {
  const buffer = Buffer.from(archive.buffer, archive.byteOffset, archive.byteLength);
  const text = (from: number, length: number): string => {
    const end = buffer.indexOf(0, from);
    return buffer.toString('utf8', from, end === -1 ? from + length : Math.min(end, from + length));
  };
  const files: { path: string; bytes?: Uint8Array }[] = [];
  for (let at = 0; at + 512 <= buffer.length && buffer[at] !== 0;) {
    const size = Number.parseInt(text(at + 124, 12).trim() || '0', 8);
    const prefix = text(at + 257, 5) === 'ustar' ? text(at + 345, 155) : '';
    const path = `${prefix ? `${prefix}/` : ''}${text(at, 100)}`.replace(/^(\.?\/)+|\/$/g, '');
    const type = String.fromCharCode(buffer[at + 156] ?? 0);
    if (path !== '' && type === '5') files.push({ path });
    if (path !== '' && (type === '0' || type === '\0')) {
      files.push({ path, bytes: buffer.subarray(at + 512, at + 512 + size) });
    }
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return files;
}
