import { spawn } from 'node:child_process';
import { join } from 'node:path';

const program = join(import.meta.dirname, '../../src/operator/main.ts');

/** Runs what the chart runs after an uninstall, to its end. */
export async function runRelease(
  kubeconfig: string,
  namespace: string,
): Promise<{ code: number | null; said: string }> {
  const child = spawn(process.execPath, [program, 'release'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], KUBECONFIG: kubeconfig, LONGSHORE_NAMESPACE: namespace },
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
  }
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  return { code, said };
}
