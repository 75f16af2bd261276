import { z } from 'zod';

/**
 * How requests of the APIs are described here. A field of one works, or it is refused by name, or it is ignored
 * because clients send it without wanting anything of this server. Any other field is unknown, and refused too: what
 * is accepted has been understood.
 */

/** `error.code` of OpenAI's API where a field is known and not supported. */
export const unsupportedCode = 'unsupported_parameter';
/** The same where a field is not known. */
export const unknownCode = 'unknown_parameter';

export interface Refusal {
  /** Whether a value asks for nothing more than what is done anyway. */
  readonly neutral: (value: unknown) => boolean;
  readonly message: string;
}

export interface RequestFields<Shape extends z.ZodRawShape> {
  readonly works: Shape;
  readonly ignored: readonly string[];
  readonly refused: Readonly<Record<string, Refusal>>;
}

export const absent = (value: unknown) => value === undefined || value === null;
export const absentOr =
  (...neutral: unknown[]) =>
  (value: unknown) =>
    absent(value) || neutral.includes(value);
export const absentOrEmpty = (value: unknown) => absent(value) || Object.keys(value ?? {}).length === 0;

/** A schema that takes these fields and no others. */
export function requestOf<Shape extends z.ZodRawShape>({ works, ignored, refused }: RequestFields<Shape>) {
  const known = new Set([...Object.keys(works), ...ignored]);
  return z.looseObject(works).superRefine((body, issues) => {
    for (const [name, value] of Object.entries(body)) {
      if (known.has(name)) continue;
      const refusal = refused[name];
      if (refusal?.neutral(value)) continue;
      issues.addIssue({
        code: 'custom',
        path: [name],
        message: refusal?.message ?? 'This server does not know the field.',
        params: { code: refusal ? unsupportedCode : unknownCode },
      });
    }
  });
}
