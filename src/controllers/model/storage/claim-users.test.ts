import { describe, expect, it } from 'vitest';
import type { ModelServer } from '../../../api/modelserver.ts';
import type { Pod } from '../../../kube/builtin.ts';
import { setCondition } from '../../../kube/conditions.ts';
import type { Live } from '../../../kube/kind.ts';
import { labels } from '../../labels.ts';
import { aModel, anArtifact, aServer, meta, now } from '../../testing/objects.ts';
import { mountedBy, unsettledServers } from './claim-users.ts';

const artifact = anArtifact();
const { revision, digest, claimName } = artifact;

function server(isReady: boolean, model: object = {}): Live<ModelServer> {
  const ready = { type: 'Ready', status: isReady ? ('True' as const) : ('False' as const) };
  const said = { ...ready, reason: 'Loading', message: '' };
  const conditions = setCondition(undefined, said, now);
  return aServer({}, { conditions, model: { name: 'qwen', revision, digest, claimName, ...model } });
}
const pod = (phase = 'Running', name = 'chat'): Live<Pod> => ({
  metadata: meta(`pod-of-${name}`, { labels: { [labels.server]: name } }),
  status: { phase },
});
const usersOf = (
  is: Live<ModelServer> | undefined,
  {
    pods = [pod()],
    published = artifact,
  }: { pods?: Live<Pod>[]; published?: typeof artifact | undefined } = {},
) =>
  unsettledServers({
    pods,
    server: () => is,
    model: () => aModel({}, published && { artifact: published }),
  });

describe('a server with pods on a claim', () => {
  it('has settled when it is Ready with what its Model publishes', () => {
    expect(usersOf(server(true))).toEqual([]);
  });

  it.for([
    ['it rolls', server(false)],
    ['it was told of another artifact', server(true, { digest: 'sha256:old' })],
    ['it was told of another claim', server(true, { claimName: 'old' })],
    ['it was told of none', aServer()],
    ['it is gone', undefined],
  ] as const)('may read anything there when %s', ([, is]) => {
    expect(usersOf(is)).toEqual(['chat']);
  });

  it('has not settled before all that it loads is what their Models publish', () => {
    const own = { name: 'qwen', revision, digest, claimName };
    const loads = (parts: object) => {
      const { status } = server(true);
      const is = aServer({ runtime: { adapters: [{ modelRef: { name: 'sql' } }] } }, { ...status, ...parts });
      const sql = aModel({}, { artifact: anArtifact({ digest: 'sha256:sql', claimName: 'of-sql' }) });
      return unsettledServers({
        pods: [pod()],
        server: () => is,
        model: (name) => (name === 'sql' ? sql : aModel({}, { artifact })),
      });
    };
    const part = { use: 'Adapter', ...own, name: 'sql', digest: 'sha256:sql', claimName: 'of-sql' };
    expect(loads({ parts: [part] })).toEqual([]);
    expect(loads({ parts: [{ ...part, digest: 'sha256:old' }] })).toEqual(['chat']);
    expect(loads({})).toEqual(['chat']);
  });

  it('may when its Model is gone, or has published nothing', () => {
    expect(unsettledServers({ pods: [pod()], server: () => server(true), model: () => undefined })).toEqual([
      'chat',
    ]);
    const unpublished = () => aModel();
    expect(unsettledServers({ pods: [pod()], server: () => server(true), model: unpublished })).toEqual([
      'chat',
    ]);
  });

  it('reads nothing more when its pods have ended, and is named once', () => {
    expect(usersOf(server(false), { pods: [pod('Failed'), pod('Succeeded')] })).toEqual([]);
    expect(usersOf(server(false), { pods: [pod('Pending'), pod(), pod('Running', 'a')] })).toEqual([
      'a',
      'chat',
    ]);
  });
});

it('the claims of a pod are those that it mounts', () => {
  const volumes = [
    { name: 'tmp', emptyDir: {} },
    { name: 'models', persistentVolumeClaim: { claimName: 'shared' } },
  ];
  expect(mountedBy({ ...pod(), spec: { containers: [], volumes } })).toEqual(['shared']);
  expect(mountedBy(pod())).toEqual([]);
});
