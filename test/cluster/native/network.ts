import { z } from 'zod';
import { run } from '../commands.ts';
import { runInBox } from './box.ts';
import type { Box } from './box.ts';
import { writeState } from './state.ts';
import { freeSubnets } from './subnets.ts';
import type { Subnet } from './subnets.ts';

const Routes = z.array(z.object({ dst: z.string().optional() }));

/** Joins the box to this machine with a pair of interfaces. The name of our end is what makes a subnet ours alone. */
export async function connectBox(box: Box): Promise<Subnet> {
  for (const subnet of freeSubnets(await rangesInUse())) {
    const link = `longshore${subnet.index}`;
    try {
      await run('ip', `link add ${link} type veth peer name eth0 netns ${box.init}`.split(' '));
    } catch (error) {
      // Another cluster started at the same moment has taken it, and has not set its address yet.
      if (error instanceof Error && error.message.includes('File exists')) continue;
      throw error;
    }
    await writeState(box.state.at('link'), link);
    await run('ip', `address add ${subnet.host}/${subnet.prefix} dev ${link}`.split(' '));
    await run('ip', `link set ${link} up`.split(' '));
    await runInBox(box.init, ['sh', '-euc', insideScript(subnet)]);
    return subnet;
  }
  throw new Error('No subnet of 198.18.0.0/15 is free on this machine: stop other clusters first.');
}

async function rangesInUse(): Promise<string[]> {
  const routes = Routes.parse(JSON.parse(await run('ip', ['-json', '-4', 'route', 'show', 'table', 'all'])));
  return routes.map(({ dst }) => dst ?? 'default');
}

function insideScript(subnet: Subnet): string {
  return [
    'ip link set lo up',
    `ip address add ${subnet.node}/${subnet.prefix} dev eth0`,
    'ip link set eth0 up',
    `ip route add default via ${subnet.host}`,
    'echo 1 > /proc/sys/net/ipv4/ip_forward',
  ].join('\n');
}
