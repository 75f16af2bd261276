/** IPv4 ranges as in routes and interface addresses: `10.1.2.0/24`; an address alone is a /32. */
export type Subnet = { index: number; host: string; node: string; prefix: 24 };

/**
 * The /24s of 198.18.0.0/15, which RFC 2544 sets aside for tests of networks: no office, cloud or container
 * engine has addresses there.
 */
function subnet(index: number): Subnet {
  const base = `198.${18 + (index >> 8)}.${index & 255}`;
  return { index, host: `${base}.1`, node: `${base}.2`, prefix: 24 };
}

/** The subnets, lowest first, that overlap none of the ranges in use. */
export function freeSubnets(inUse: readonly string[]): Subnet[] {
  const used = inUse.map(parseRange).filter(({ length }) => length > 0);
  return Array.from({ length: 512 }, (_, index) => subnet(index)).filter(
    ({ host }) => !used.some((range) => overlap(range, parseRange(`${host}/24`))),
  );
}

type Range = { address: number; length: number };

function parseRange(text: string): Range {
  const [address = '', length = '32'] = text.split('/');
  const value = address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  return { address: value, length: address === 'default' ? 0 : Number(length) };
}

function overlap(a: Range, b: Range): boolean {
  const size = 2 ** (32 - Math.min(a.length, b.length));
  return Math.floor(a.address / size) === Math.floor(b.address / size);
}
