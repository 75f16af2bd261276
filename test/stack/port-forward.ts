import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export interface PortForward {
  /** `http://127.0.0.1:port`. */
  url: string;
  close(): void;
}

/** `kubectl port-forward` to a Service on a free port of this machine; resolves when it listens. */
export async function portForward(
  kubectl: string,
  kubeconfig: string,
  target: { namespace: string; resource: string; port: number },
): Promise<PortForward> {
  const arguments_ = ['port-forward', '-n', target.namespace, target.resource, `:${target.port}`];
  const child = spawn(kubectl, arguments_, {
    env: { ...process.env, KUBECONFIG: kubeconfig },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const port = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const found = /^Forwarding from 127\.0\.0\.1:(\d+)/.exec(line)?.[1];
      if (found !== undefined) resolve(found);
    });
    child.once('error', reject);
    child.once('exit', (code) =>
      reject(new Error(`kubectl port-forward ended with ${code}: ${said.trim()}`)),
    );
  });
  return { url: `http://127.0.0.1:${port}`, close: () => void child.kill() };
}
