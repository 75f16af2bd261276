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
  /** Values that ask for nothing more than what is done anyway; described in a few words, where there are any but null. */
  readonly neutral: z.ZodType;
  readonly message: string;
}

export interface RequestFields<Shape extends z.ZodRawShape = z.ZodRawShape> {
  /** Each is described, for the document and the tables that are made of it. */
  readonly works: Shape;
  /** And why they change nothing. */
  readonly ignored: Readonly<Record<string, string>>;
  readonly refused: Readonly<Record<string, Refusal>>;
}

const described = new WeakMap<z.core.$ZodType, RequestFields>();

/** The fields of a schema that `requestOf` has made, also when more checks were added to it; undefined for any other. */
export function requestFields(schema: z.core.$ZodType): RequestFields | undefined {
  const { parent } = schema._zod;
  return described.get(schema) ?? (parent && requestFields(parent));
}

/** Neutral is null alone. */
export const unasked = z.null();
/** Neutral are null and these values. */
export const unaskedOr = (...values: (string | number | boolean)[]) =>
  z.literal([...values, null]).describe(values.map((value) => `\`${JSON.stringify(value)}\``).join(' and '));
/** Neutral are null, and a list or an object without anything in it. */
export const unaskedOrEmpty = z
  .union([z.null(), z.array(z.never()).max(0), z.strictObject({})])
  .describe('an empty one');

/** A field of a part of a request, which is refused where it says anything. */
export const emptyOnly = (message: string) =>
  z
    .unknown()
    .optional()
    .superRefine((value, issues) => {
      if (value === undefined || unaskedOrEmpty.safeParse(value).success) return;
      issues.addIssue({ code: 'custom', message, params: { code: unsupportedCode } });
    })
    .meta({
      description: `Refused, but for an empty one. ${message}`,
      anyOf: [{ type: 'null' }, { type: 'array', maxItems: 0 }, { type: 'object', maxProperties: 0 }],
    });

/** A schema that takes these fields and no others. */
export function requestOf<Shape extends z.ZodRawShape>(fields: RequestFields<Shape>) {
  const { works, ignored, refused } = fields;
  const known = new Set([...Object.keys(works), ...Object.keys(ignored)]);
  const schema = z.looseObject(works).superRefine((body, issues) => {
    for (const [name, value] of Object.entries(body)) {
      if (known.has(name)) continue;
      const refusal = Object.hasOwn(refused, name) ? refused[name] : undefined;
      if (refusal && (value === undefined || refusal.neutral.safeParse(value).success)) continue;
      issues.addIssue({
        code: 'custom',
        path: [name],
        message: refusal?.message ?? unknownField(name, [...known, ...Object.keys(refused)]),
        params: { code: refusal ? unsupportedCode : unknownCode },
      });
    }
  });
  described.set(schema, fields);
  return schema;
}

function unknownField(name: string, known: readonly string[]): string {
  const meant = known.find((one) => isSlip(name.toLowerCase(), one));
  return `This server does not know the field${meant === undefined ? '.' : `: did you mean ${meant}?`}`;
}

/** Whether one is the other but for a letter or two that are missing, too many, wrong or in the wrong order. */
function isSlip(written: string, meant: string): boolean {
  if (Math.abs(written.length - meant.length) > 2) return false;
  let start = 0;
  while (start < meant.length && written[start] === meant[start]) start++;
  let end = 0;
  const rest = Math.min(written.length, meant.length) - start;
  while (end < rest && written.at(-1 - end) === meant.at(-1 - end)) end++;
  const different = Math.max(written.length, meant.length) - start - end;
  return different <= 2 && different < meant.length / 2;
}
