import { scripts, type shells } from '../completion/scripts.ts';
import type { Terminal } from '../terminal.ts';

/** Prints what a shell reads to complete the words of this program. */
export function completion({ out }: Terminal, shell: (typeof shells)[number]): void {
  out.write(scripts[shell]);
}
