import { z } from 'zod';

/** The canned parts of CloudFront's policies (Developer Guide, "Create a signed URL using a custom policy"). */
const Policy = z.object({
  Statement: z.array(
    z.object({ Condition: z.object({ DateLessThan: z.object({ 'AWS:EpochTime': z.number() }) }) }),
  ),
});

/**
 * When the time of a signed address of object storage is over, in milliseconds since the epoch: of S3 and its kin, of
 * Google's storage, of CloudFront and of Azure's. Undefined for an address that does not say.
 */
export function expiryOf({ searchParams }: URL): number | undefined {
  for (const vendor of ['X-Amz', 'X-Goog']) {
    const begin = basicTime(searchParams.get(`${vendor}-Date`));
    const seconds = wholeNumber(searchParams.get(`${vendor}-Expires`));
    if (searchParams.has(`${vendor}-Signature`) && begin !== undefined && seconds !== undefined) {
      return begin + seconds * 1000;
    }
  }
  if (searchParams.has('Signature')) {
    const seconds = wholeNumber(searchParams.get('Expires')) ?? policyExpiry(searchParams.get('Policy'));
    return seconds === undefined ? undefined : seconds * 1000;
  }
  if (searchParams.has('sig')) {
    const end = Date.parse(searchParams.get('se') ?? '');
    return Number.isNaN(end) ? undefined : end;
  }
  return undefined;
}

/** Of `20300102T030405Z`. */
function basicTime(text: string | null): number | undefined {
  const match = /^(\d{4})(\d\d)(\d\d)(T\d\d)(\d\d)(\d\dZ)$/.exec(text ?? '');
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second] = match;
  const time = Date.parse(`${year}-${month}-${day}${hour}:${minute}:${second}`);
  return Number.isNaN(time) ? undefined : time;
}

function wholeNumber(text: string | null): number | undefined {
  return text !== null && /^\d{1,12}$/.test(text) ? Number(text) : undefined;
}

/** In seconds since the epoch. Policies are base64 with `-`, `_` and `~` for `+`, `=` and `/`. */
function policyExpiry(text: string | null): number | undefined {
  if (text === null) return undefined;
  const base64 = text.replaceAll('-', '+').replaceAll('_', '=').replaceAll('~', '/');
  try {
    const { Statement } = Policy.parse(JSON.parse(Buffer.from(base64, 'base64').toString()));
    return Statement[0]?.Condition.DateLessThan['AWS:EpochTime'];
  } catch {
    return undefined;
  }
}
