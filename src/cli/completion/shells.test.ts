import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const run = promisify(execFile);
const program = join(import.meta.dirname, '../main.ts');

describe('in bash', { timeout: 30_000 }, () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'longshore-completion-'));
    const shim = `#!/bin/sh\nexec '${process.execPath}' '${program}' "$@"\n`;
    await writeFile(join(folder, 'longshore'), shim, { mode: 0o755 });
  });
  afterAll(() => rm(folder, { recursive: true }));

  /** What the function of the script proposes for a line. */
  async function proposed(line: string): Promise<string[]> {
    const script = `source <(longshore completion bash); COMP_LINE=$1; COMP_POINT=\${#1}; _longshore; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const path = `${folder}${delimiter}${process.env['PATH']}`;
    const { stdout } = await run('bash', ['-c', script, 'bash', line], {
      env: { ...process.env, PATH: path },
    });
    return stdout.trim() === '' ? [] : stdout.trim().split('\n');
  }

  it('verbs, options and values come', async () => {
    expect(await proposed('longshore l')).toEqual(['list', 'load']);
    expect(await proposed('longshore pull --bi')).toEqual(['--bits']);
    expect(await proposed('longshore list --output=')).toEqual(['json', 'yaml', 'name']);
  });
});
