/**
 * Orders two resource versions of one kind: negative when `a` is the older. Undefined when they cannot be compared.
 *
 * They are decimal integers that grow with every write to the kind: promised as of Kubernetes 1.35 (KEP-5504), and so
 * before in every API server on etcd. Of any size, hence no numbers.
 */
export function compareVersions(a: string, b: string): number | undefined {
  if (!decimal.test(a) || !decimal.test(b)) return undefined;
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : a > b ? 1 : 0;
}

/** False also when they cannot be compared. */
export function isOlder(a: string, b: string): boolean {
  const order = compareVersions(a, b);
  return order !== undefined && order < 0;
}

const decimal = /^[1-9][0-9]*$/;
