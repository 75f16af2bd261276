import { bypassOf } from './no-proxy.ts';

export interface Proxy {
  /** Scheme, name and port. */
  readonly origin: string;
  /** The value of Proxy-Authorization. It goes to this proxy and nowhere else. */
  readonly authorization?: string;
  /** What a person is told when the proxy asks for a user and a password, and there are none for it. */
  readonly hint?: string;
}

/** Through what requests go. Without one for its scheme, an address is asked directly. */
export interface Proxies {
  readonly https?: Proxy | undefined;
  readonly http?: Proxy | undefined;
  /** As in NO_PROXY. */
  readonly noProxy: string;
}

/**
 * A proxy as HTTPS_PROXY has it: an address, or a host with a port, which is meant to be asked over http. A user and a
 * password in it are for the proxy.
 * @throws Error for anything else; the message does not repeat it, since it may carry a password.
 */
export function parseProxy(text: string): Proxy {
  const url = URL.parse(text.includes('://') ? text : `http://${text}`);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new Error('is not the address of an HTTP proxy, such as http://proxy.internal:3128');
  }
  const { origin, username, password } = url;
  if (username === '') return { origin };
  return { origin, authorization: basic(decodeURIComponent(username), decodeURIComponent(password)) };
}

export function proxyFor({ https, http, noProxy }: Proxies): (url: URL) => Proxy | undefined {
  const bypasses = bypassOf(noProxy);
  return (url) => (bypasses(url) ? undefined : url.protocol === 'https:' ? https : http);
}

/** The value of Proxy-Authorization (RFC 7617). */
export function basic(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}
