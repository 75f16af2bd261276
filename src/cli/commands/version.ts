import { version as own } from '../../protocols/version.ts';
import type { Door, Reached } from '../door.ts';
import type { Terminal } from '../terminal.ts';

export interface VersionOptions {
  output?: 'json' | undefined;
}

/** The version of this program, and of the gateway or operator that it gets to. Its own is said also where it gets to none. */
export async function version(
  open: () => Promise<Door>,
  { out }: Terminal,
  { output }: VersionOptions,
): Promise<void> {
  if (output === undefined) out.write(`longshore: ${own}\n`);
  let reached: Reached | undefined;
  try {
    await using door = await open();
    reached = await door.reached();
  } finally {
    if (output === 'json') {
      const { program, ...rest } = reached ?? {};
      const there = program === undefined ? {} : { [program]: rest };
      out.write(`${JSON.stringify({ longshore: { version: own }, ...there }, null, 2)}\n`);
    }
  }
  if (output === undefined) out.write(`${reached.program}: ${describe(reached)}\n`);
}

function describe({ program, version, at }: Reached): string {
  if (program === 'gateway') return `${version} (${at})`;
  return version === undefined ? 'not found by the labels of its chart' : `${version} (namespace ${at})`;
}
