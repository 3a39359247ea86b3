/**
 * QR codes, ISO/IEC 18004: byte mode, error correction M, versions 1 to 20. What an authenticator app scans; nothing else
 * here needs them, so this is no library.
 */

/** Error correction M by version: bytes of correction in each block, and number of blocks. */
const blocksByVersion: readonly (readonly [correction: number, blocks: number])[] = [
  [10, 1],
  [16, 1],
  [26, 1],
  [18, 2],
  [24, 2],
  [16, 4],
  [18, 4],
  [22, 4],
  [22, 5],
  [26, 5],
  [30, 5],
  [22, 8],
  [22, 9],
  [24, 9],
  [24, 10],
  [28, 10],
  [28, 11],
  [26, 13],
  [26, 14],
  [26, 16],
];

/** The longest text, in bytes. */
export const longestQrText = 666;

/** A text as an SVG picture, with the quiet zone around it. */
export function qrCodeSvg(text: string): string {
  const modules = qrCode(text);
  const size = modules.length + 8;
  const path = modules.flatMap((row, y) => row.map((dark, x) => (dark ? `M${x + 4} ${y + 4}h1v1h-1z` : ''))).join('');
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size} ${size}" width="${size * 4}" height="${size * 4}" ` +
    `shape-rendering="crispEdges"><path fill="#fff" d="M0 0h${size}v${size}H0z"/><path d="${path}"/></svg>`
  );
}

/**
 * A text as rows of modules, true is dark.
 * @throws RangeError for a text of more than {@link longestQrText} bytes
 */
export function qrCode(text: string): boolean[][] {
  const bytes = [...Buffer.from(text)];
  const version = versionFor(bytes.length);
  const codewords = withCorrection(dataCodewords(bytes, version), version);
  const candidates = Array.from({ length: 8 }, (_, mask) => draw(codewords, version, mask));
  const scores = candidates.map(penalty);
  return candidates[scores.indexOf(Math.min(...scores))]!;
}

/** Modules that are left for data and correction. */
function rawModules(version: number): number {
  const aligned = version < 2 ? 0 : Math.floor(version / 7) + 2;
  const alignment = aligned === 0 ? 0 : (25 * aligned - 10) * aligned - 55;
  return (16 * version + 128) * version + 64 - alignment - (version < 7 ? 0 : 36);
}

function dataLength(version: number): number {
  const [correction, blocks] = blocksByVersion[version - 1]!;
  return Math.floor(rawModules(version) / 8) - correction * blocks;
}

/** Bits of the field that holds the text's length. */
function lengthBits(version: number): 8 | 16 {
  return version < 10 ? 8 : 16;
}

function versionFor(length: number): number {
  const index = blocksByVersion.findIndex((_, at) => {
    return 4 + lengthBits(at + 1) + length * 8 <= dataLength(at + 1) * 8;
  });
  if (index === -1) throw new RangeError(`A text of ${length} bytes is too long for a QR code`);
  return index + 1;
}

/** The text with its header and padding. */
function dataCodewords(bytes: readonly number[], version: number): number[] {
  const capacity = dataLength(version) * 8;
  const bits = [
    [0b0100, 4] as const,
    [bytes.length, lengthBits(version)] as const,
    ...bytes.map((byte) => [byte, 8] as const),
  ]
    .map(([value, width]) => value.toString(2).padStart(width, '0'))
    .join('');
  const ended = bits + '0'.repeat(Math.min(4, capacity - bits.length));
  const whole = ended.padEnd(Math.ceil(ended.length / 8) * 8, '0');
  const words = (whole.match(/.{8}/g) ?? []).map((word) => Number.parseInt(word, 2));
  const padding = Array.from({ length: dataLength(version) - words.length }, (_, at) => (at % 2 === 0 ? 0xec : 0x11));
  return [...words, ...padding];
}

/** Splits the data into blocks, adds each block's correction, and interleaves them. */
function withCorrection(data: readonly number[], version: number): number[] {
  const [correction, count] = blocksByVersion[version - 1]!;
  const total = Math.floor(rawModules(version) / 8);
  const short = Math.floor(total / count) - correction;
  const longFrom = count - (total % count);
  const divisor = generator(correction);
  let at = 0;
  const blocks = Array.from({ length: count }, (_, index) => {
    const block = data.slice(at, (at += short + (index < longFrom ? 0 : 1)));
    return { block, check: remainder(block, divisor) };
  });
  const interleave = (parts: readonly (readonly number[])[]): number[] => {
    const longest = Math.max(...parts.map((part) => part.length));
    return Array.from({ length: longest }, (_, index) => parts.flatMap((part) => part[index] ?? [])).flat();
  };
  return [...interleave(blocks.map(({ block }) => block)), ...interleave(blocks.map(({ check }) => check))];
}

/** Multiplies in the field of 256 elements that QR codes use. */
function multiply(left: number, right: number): number {
  let product = 0;
  for (let bit = 7; bit >= 0; bit -= 1) {
    product = (product << 1) ^ ((product >>> 7) * 0x11d);
    product ^= ((right >>> bit) & 1) * left;
  }
  return product;
}

/** The polynomial of Reed and Solomon's code, without its leading 1. */
function generator(degree: number): number[] {
  let polynomial = [...Array.from({ length: degree - 1 }, () => 0), 1];
  let root = 1;
  for (let step = 0; step < degree; step += 1) {
    const factor = root;
    polynomial = polynomial.map((coefficient, at) => multiply(coefficient, factor) ^ (polynomial[at + 1] ?? 0));
    root = multiply(root, 2);
  }
  return polynomial;
}

function remainder(data: readonly number[], divisor: readonly number[]): number[] {
  let rest = divisor.map(() => 0);
  for (const byte of data) {
    const factor = byte ^ rest[0]!;
    rest = [...rest.slice(1), 0].map((value, at) => value ^ multiply(divisor[at]!, factor));
  }
  return rest;
}

/** Undefined is not drawn yet. */
type Canvas = (boolean | undefined)[][];

function draw(codewords: readonly number[], version: number, mask: number): boolean[][] {
  const size = version * 4 + 17;
  const canvas: Canvas = Array.from({ length: size }, () => Array.from({ length: size }, () => undefined));
  drawPatterns(canvas, version);
  drawFormat(canvas, mask);
  if (version >= 7) drawVersion(canvas, version);
  drawData(canvas, codewords, mask);
  return canvas as boolean[][];
}

function drawPatterns(canvas: Canvas, version: number): void {
  const size = canvas.length;
  const set = (x: number, y: number, dark: boolean): void => {
    if (x >= 0 && y >= 0 && x < size && y < size) canvas[y]![x] = dark;
  };
  for (let at = 0; at < size; at += 1) {
    set(6, at, at % 2 === 0);
    set(at, 6, at % 2 === 0);
  }
  const rings = (x: number, y: number, radius: number, light: readonly number[]): void => {
    for (let dy = -radius; dy <= radius; dy += 1) {
      for (let dx = -radius; dx <= radius; dx += 1) {
        set(x + dx, y + dy, !light.includes(Math.max(Math.abs(dx), Math.abs(dy))));
      }
    }
  };
  for (const [x, y] of [
    [3, 3],
    [size - 4, 3],
    [3, size - 4],
  ] as const) {
    rings(x, y, 4, [2, 4]);
  }
  const centers = alignmentCenters(version);
  const last = centers.length - 1;
  for (const [column, x] of centers.entries()) {
    for (const [row, y] of centers.entries()) {
      const isFinder = (column === 0 && (row === 0 || row === last)) || (column === last && row === 0);
      if (!isFinder) rings(x, y, 2, [1]);
    }
  }
}

function alignmentCenters(version: number): number[] {
  if (version === 1) return [];
  const count = Math.floor(version / 7) + 2;
  const step = Math.ceil((version * 4 + 4) / (count * 2 - 2)) * 2;
  const rest = Array.from({ length: count - 1 }, (_, at) => version * 4 + 10 - at * step);
  return [6, ...rest.toReversed()];
}

function bit(value: number, at: number): boolean {
  return ((value >>> at) & 1) === 1;
}

/** The level of correction and the mask, twice. */
function drawFormat(canvas: Canvas, mask: number): void {
  const size = canvas.length;
  // Level M is 00.
  let rest = mask;
  for (let step = 0; step < 10; step += 1) rest = (rest << 1) ^ ((rest >>> 9) * 0x537);
  const bits = ((mask << 10) | rest) ^ 0x5412;
  const first = [
    ...[0, 1, 2, 3, 4, 5].map((at) => [8, at] as const),
    [8, 7] as const,
    [8, 8] as const,
    [7, 8] as const,
    ...[5, 4, 3, 2, 1, 0].map((at) => [at, 8] as const),
  ];
  for (const [at, [x, y]] of first.entries()) canvas[y]![x] = bit(bits, at);
  for (let at = 0; at < 8; at += 1) canvas[8]![size - 1 - at] = bit(bits, at);
  for (let at = 8; at < 15; at += 1) canvas[size - 15 + at]![8] = bit(bits, at);
  canvas[size - 8]![8] = true;
}

function drawVersion(canvas: Canvas, version: number): void {
  let rest = version;
  for (let step = 0; step < 12; step += 1) rest = (rest << 1) ^ ((rest >>> 11) * 0x1f25);
  const bits = (version << 12) | rest;
  for (let at = 0; at < 18; at += 1) {
    const far = canvas.length - 11 + (at % 3);
    const near = Math.floor(at / 3);
    canvas[near]![far] = bit(bits, at);
    canvas[far]![near] = bit(bits, at);
  }
}

const masks: readonly ((x: number, y: number) => boolean)[] = [
  (x, y) => (x + y) % 2 === 0,
  (_, y) => y % 2 === 0,
  (x) => x % 3 === 0,
  (x, y) => (x + y) % 3 === 0,
  (x, y) => (Math.floor(x / 3) + Math.floor(y / 2)) % 2 === 0,
  (x, y) => ((x * y) % 2) + ((x * y) % 3) === 0,
  (x, y) => (((x * y) % 2) + ((x * y) % 3)) % 2 === 0,
  (x, y) => (((x + y) % 2) + ((x * y) % 3)) % 2 === 0,
];

/** Two columns at a time from the right, up and down in turns, around what is drawn. */
function drawData(canvas: Canvas, codewords: readonly number[], mask: number): void {
  const size = canvas.length;
  const isMasked = masks[mask]!;
  let at = 0;
  for (let right = size - 1; right >= 1; right -= 2) {
    if (right === 6) right = 5;
    const isUp = ((right + 1) & 2) === 0;
    for (let step = 0; step < size; step += 1) {
      const y = isUp ? size - 1 - step : step;
      for (const x of [right, right - 1]) {
        if (canvas[y]![x] !== undefined) continue;
        const dark = bit(codewords[at >>> 3] ?? 0, 7 - (at & 7));
        canvas[y]![x] = dark !== isMasked(x, y);
        at += 1;
      }
    }
  }
}

/** How hard a picture is to read: long runs, squares, what looks like a corner, and an uneven number of dark modules. */
function penalty(modules: readonly (readonly boolean[])[]): number {
  const size = modules.length;
  const lines = [...modules, ...modules.map((_, x) => modules.map((row) => row[x]!))];
  const texts = lines.map((line) => line.map((dark) => (dark ? '1' : '0')).join(''));
  let score = 0;
  for (const text of texts) {
    for (const [run] of text.matchAll(/0{5,}|1{5,}/g)) score += run.length - 2;
    score += 40 * ([...text.matchAll(/(?=00001011101)/g)].length + [...text.matchAll(/(?=10111010000)/g)].length);
  }
  for (let y = 1; y < size; y += 1) {
    for (let x = 1; x < size; x += 1) {
      const dark = modules[y]![x];
      if (dark === modules[y]![x - 1] && dark === modules[y - 1]![x] && dark === modules[y - 1]![x - 1]) score += 3;
    }
  }
  const share = modules.flat().filter(Boolean).length / size / size;
  return score + 10 * Math.floor(Math.abs(share - 0.5) * 20);
}
