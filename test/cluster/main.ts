import { parseArgs } from 'node:util';
import { findCluster, startCluster, stopCluster } from './cluster.ts';

const usage = `A Kubernetes to try things on.

  node test/cluster/main.ts up [--name dev] [--mode node|control-plane]
  node test/cluster/main.ts load ARCHIVE...   load images from OCI archives
  node test/cluster/main.ts status            what is up; exits with 1 when nothing is
  node test/cluster/main.ts kubeconfig        the path, for: export KUBECONFIG=$(... kubeconfig)
  node test/cluster/main.ts down [--name dev]`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    name: { type: 'string', default: 'dev' },
    mode: { type: 'string', default: 'node' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
const { name, mode } = values;
const [command, ...rest] = positionals;

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

async function main(): Promise<number> {
  switch (values.help ? 'help' : (command ?? '')) {
    case 'up': {
      if (mode !== 'node' && mode !== 'control-plane') throw new Error('--mode is node or control-plane.');
      const before = Date.now();
      const cluster = await startCluster({ name, mode, say: (line) => console.error(line) });
      console.error(`Cluster ${name} (${cluster.provider}) is up after ${(Date.now() - before) / 1000} s.`);
      console.log(`export KUBECONFIG=${cluster.kubeconfig}`);
      return 0;
    }
    case 'load':
      await (await running()).loadImages(rest);
      return 0;
    case 'status': {
      const cluster = await findCluster(name);
      console.log(cluster ? `Cluster ${name} (${cluster.provider}) is up.` : `Cluster ${name} is not up.`);
      if (cluster?.hostAddress) console.log(`Pods reach this machine at ${cluster.hostAddress}.`);
      return cluster ? 0 : 1;
    }
    case 'kubeconfig':
      console.log((await running()).kubeconfig);
      return 0;
    case 'down':
      await stopCluster(name);
      return 0;
    default:
      console.log(usage);
      return values.help ? 0 : 2;
  }
}

async function running() {
  const cluster = await findCluster(name);
  if (!cluster) throw new Error(`Cluster ${name} is not up: start it with "up --name ${name}".`);
  return cluster;
}
