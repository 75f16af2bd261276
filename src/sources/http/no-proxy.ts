import { BlockList, isIP } from 'node:net';

type Rule = (host: string, port: string) => boolean;

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/**
 * Which addresses are asked without a proxy, by the rules of Go's `httpproxy`, which Kubernetes itself follows:
 * `example.com` is the domain with its subdomains, `.example.com` and `*.example.com` are the subdomains alone; an address
 * or a prefix such as `10.0.0.0/8` is for hosts that are written as addresses, since names are not looked up; all but a
 * prefix may end with a port; `*` is everything. This machine itself never is behind a proxy.
 * @param entries Separated by commas or spaces. What is none of these matches nothing.
 */
export function bypassOf(entries: string): (url: URL) => boolean {
  const rules = entries
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .map(ruleOf);
  return ({ hostname, port, protocol }) => {
    const host = hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '');
    if (host === 'localhost' || contains(loopback, host)) return true;
    return rules.some((matches) => matches(host, port || (protocol === 'https:' ? '443' : '80')));
  };
}

function ruleOf(entry: string): Rule {
  if (entry === '*') return () => true;
  const network = networkOf(entry);
  if (network !== undefined) return (host) => contains(network, host);
  const [name, port] = splitPort(entry);
  const rule = isIP(name) === 0 ? domainRule(name) : addressRule(name);
  return (host, hostPort) => (port === undefined || port === hostPort) && rule(host);
}

/** Of a prefix such as `10.0.0.0/8`. */
function networkOf(entry: string): BlockList | undefined {
  const [, address = '', bits = ''] = /^([0-9a-f.:]+)\/(\d{1,3})$/.exec(entry) ?? [];
  const version = isIP(address);
  if (version === 0 || Number(bits) > (version === 4 ? 32 : 128)) return undefined;
  const network = new BlockList();
  network.addSubnet(address, Number(bits), version === 4 ? 'ipv4' : 'ipv6');
  return network;
}

/** `host`, `host:port`, `[address]`, `[address]:port`, or an IPv6 address without brackets. */
function splitPort(entry: string): [name: string, port: string | undefined] {
  if (isIP(entry) !== 0) return [entry, undefined];
  const [, bracketed, bare, port] = /^(?:\[([^\]]*)\]|([^:[\]]*))(?::(\d+))?$/.exec(entry) ?? [];
  return [bracketed ?? bare ?? '', port];
}

function addressRule(address: string): (host: string) => boolean {
  const one = new BlockList();
  one.addAddress(address, isIP(address) === 4 ? 'ipv4' : 'ipv6');
  return (host) => contains(one, host);
}

function domainRule(entry: string): (host: string) => boolean {
  const domain = entry.replace(/^\*\./, '.').replace(/\.$/, '');
  if (domain === '') return () => false;
  if (domain.startsWith('.')) return (host) => host.endsWith(domain);
  return (host) => host === domain || host.endsWith(`.${domain}`);
}

function contains(list: BlockList, host: string): boolean {
  const version = isIP(host);
  return version !== 0 && list.check(host, version === 4 ? 'ipv4' : 'ipv6');
}
