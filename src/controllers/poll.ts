import { Agent, request } from 'undici';
import type { Pod } from '../kube/builtin.ts';
import type { Live } from '../kube/kind.ts';

/** Gets a URL and returns its body; rejects on anything but 200. */
export type Fetch = (url: string) => Promise<string>;

const timeoutMs = 1000;
const longestBody = 4096;

/**
 * Apart from the connections to the API server, and none is kept: thousands of pods are asked, each a few bytes every
 * two seconds.
 */
const agent = new Agent({ connections: 1, pipelining: 0, connect: { timeout: timeoutMs } });

/** Whether a pod runs at an address. */
export function isReachable(pod: Live<Pod>): pod is Live<Pod> & { status: { podIP: string } } {
  return pod.status?.phase === 'Running' && pod.status.podIP !== undefined;
}

/**
 * Asks a pod of ours where it is. Undefined when it does not run, does not answer at once, or answers with anything but
 * a little JSON: whoever owns the namespace may have put any program there. Redirects are not followed.
 */
export async function pollPod(
  pod: Live<Pod>,
  port: number,
  path: string,
  fetch: Fetch = get,
): Promise<unknown> {
  if (!isReachable(pod)) return undefined;
  const { podIP } = pod.status;
  const host = podIP.includes(':') ? `[${podIP}]` : podIP;
  return pollAddress(`http://${host}:${port}${path}`, fetch);
}

/** The same of an address where a pod of ours may be. */
export async function pollAddress(url: string, fetch: Fetch = get): Promise<unknown> {
  try {
    return JSON.parse(await fetch(url));
  } catch {
    return undefined;
  }
}

const get: Fetch = async (url) => {
  const { statusCode, body } = await request(url, {
    dispatcher: agent,
    signal: AbortSignal.timeout(timeoutMs),
  });
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    length += chunk.length;
    // Leaving the loop ends the connection, so an endless answer costs one chunk more than is allowed.
    if (length > longestBody) throw new Error(`${url} answered more than ${longestBody} bytes`);
    chunks.push(chunk);
  }
  if (statusCode !== 200) throw new Error(`${url} answered ${statusCode}`);
  return Buffer.concat(chunks).toString();
};
