/**
 * The import order of ARCHITECTURE.md, enforced: programs -> controllers -> kube, sources, gguf, protocols, http-server -> api.
 * Programs never import each other, and kube/ imports nothing of ours.
 */
const programs = ['operator', 'puller', 'runtime-image', 'cli', 'gateway'];
const order = [['api'], ['kube', 'gguf', 'protocols', 'sources', 'http-server'], ['controllers'], programs];
/** @param {string[]} folders */
const under = (folders) => `^src/(${folders.join('|')})/`;

export default {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'kube-knows-no-models',
      severity: 'error',
      from: { path: '^src/kube/' },
      to: { path: '^src/', pathNot: '^src/kube/' },
    },
    ...order.slice(0, -1).map((layer, i) => ({
      name: `${layer[0]}-imports-downwards-only`,
      severity: 'error',
      from: { path: under(layer) },
      to: { path: under(order.slice(i + 1).flat()) },
    })),
    ...programs.map((program) => ({
      name: `${program}-is-a-program`,
      comment: 'Programs never import each other.',
      severity: 'error',
      from: { path: `^src/(?!${program}/)` },
      to: { path: `^src/${program}/` },
    })),
    {
      name: 'product-does-not-import-tests',
      severity: 'error',
      from: { path: '^src/', pathNot: '\\.test\\.ts$' },
      to: { path: '^(test|scripts)/' },
    },
    {
      name: 'product-needs-no-dev-dependency',
      severity: 'error',
      from: { path: '^src/', pathNot: '\\.test\\.ts$' },
      to: { dependencyTypes: ['npm-dev'], pathNot: 'node_modules/(@types|node-llama-cpp)/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
  },
};
