import { z } from 'zod';

/** Hours, minutes and seconds in whole numbers, each at most five digits, as Go writes a duration: `1h30m`. */
export const Duration = z
  .string()
  .max(18)
  .regex(/^([0-9]{1,5}[hms]){1,3}$/);

const secondsIn = { h: 3600, m: 60, s: 1 } as const;

/** @returns seconds */
export function parseDuration(text: string): number {
  return [...text.matchAll(/(\d+)([hms])/g)].reduce(
    (sum, [, count, unit]) => sum + Number(count) * secondsIn[unit as keyof typeof secondsIn],
    0,
  );
}
