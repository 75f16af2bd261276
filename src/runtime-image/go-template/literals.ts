/** Go's literals. https://go.dev/ref/spec#String_literals */

const escapes: Record<string, string> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  '"': '"',
  "'": "'",
};

/**
 * The text between the quotes of an interpreted string or a character.
 * @throws SyntaxError for an escape that Go does not know
 */
export function unescape(quoted: string): string {
  if (!quoted.includes('\\')) return quoted;
  const bytes: Buffer[] = [];
  const parts = /\\(x[\da-fA-F]{2}|[0-7]{3}|u[\da-fA-F]{4}|U[\da-fA-F]{8}|.)|[^\\]+/gsu;
  for (const [text, escape] of quoted.matchAll(parts)) {
    if (escape === undefined) bytes.push(Buffer.from(text));
    else if (/^x.|^[0-7]/s.test(escape)) {
      const octal = /^[0-7]/.test(escape);
      bytes.push(Buffer.of(Number.parseInt(octal ? escape : escape.slice(1), octal ? 8 : 16)));
    } else if (/^[uU]./.test(escape))
      bytes.push(Buffer.from(String.fromCodePoint(Number.parseInt(escape.slice(1), 16))));
    else {
      const character = escapes[escape];
      if (character === undefined) throw new SyntaxError(`unknown escape \\${escape}`);
      bytes.push(Buffer.from(character));
    }
  }
  return Buffer.concat(bytes).toString();
}

const integer = /^[+-]?(0[xX][\da-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|0|[1-9]\d*)$/;
const float = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;

/**
 * An int (bigint) or a float (number).
 * @throws SyntaxError for what is neither, or does not fit
 */
export function numberOf(text: string): bigint | number {
  const digits = text.replaceAll('_', '');
  if (integer.test(digits)) {
    const magnitude = BigInt(digits.replace(/^[+-]/, '').replace(/^0(?=\d)/, '0o'));
    const value = digits.startsWith('-') ? -magnitude : magnitude;
    if (BigInt.asIntN(64, value) !== value) throw new SyntaxError(`${text} overflows int`);
    return value;
  }
  if (float.test(digits)) return Number(digits);
  throw new SyntaxError(`${text} is not a number that is supported`);
}
