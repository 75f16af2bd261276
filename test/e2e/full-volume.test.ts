import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { pods } from '../../src/kube/builtin.ts';
import { findCondition } from '../../src/kube/conditions.ts';
import type { Kind, KubeObject } from '../../src/kube/kind.ts';
import { waitFor } from '../cluster/commands.ts';
import { busyboxImage } from '../cluster/native/busybox-image.ts';
import { standard } from '../hub/content.ts';
import { isReady, readyReason, World } from './world.ts';

const persistentVolumes: Kind<KubeObject & { spec: object }> = {
  apiVersion: 'v1',
  kind: 'PersistentVolume',
  plural: 'persistentvolumes',
  namespaced: false,
};

/** Where pods may do what the namespaces of worlds do not admit. */
const namespace = 'kube-system';
const sizeOf = (bytes: number): string => `size=${bytes}`;

describe('a volume that is smaller than it says', () => {
  let world: World;
  let name: string;
  beforeAll(async () => {
    world = await World.start();
    name = `full-${world.namespace}`;
    // A file system in memory, which the node sees: only who is privileged can make one.
    const folder = `/var/lib/${name}`;
    const script = `mkdir -p /host/fs && busybox mount -t tmpfs -o mode=777,${sizeOf(1 << 20)} tmpfs /host/fs && sleep 3600`;
    await world.client.create(pods, {
      metadata: { namespace, name },
      spec: {
        terminationGracePeriodSeconds: 0,
        containers: [
          {
            name: 'mounter',
            image: inject('e2e').provider === 'native' ? busyboxImage : 'busybox:1.37',
            imagePullPolicy: 'IfNotPresent',
            command: ['sh', '-c', script],
            securityContext: { privileged: true },
            volumeMounts: [{ name: 'host', mountPath: '/host', mountPropagation: 'Bidirectional' }],
          },
        ],
        volumes: [{ name: 'host', hostPath: { path: folder, type: 'DirectoryOrCreate' } }],
      },
    });
    await waitFor(
      'the small file system',
      async () => (await inMounter('cat', '/proc/mounts')).includes(' /host/fs ') || undefined,
      { timeout: 60_000, every: 500 },
    );
    await world.client.create(persistentVolumes, {
      metadata: { name },
      spec: {
        capacity: { storage: '1Gi' },
        accessModes: ['ReadWriteOnce'],
        persistentVolumeReclaimPolicy: 'Retain',
        storageClassName: name,
        hostPath: { path: `${folder}/fs` },
      },
    });
  });
  afterAll(async () => {
    await inMounter('busybox', 'umount', '-l', '/host/fs');
    await world.client.delete(pods, { namespace, name });
    // It stays until the claim is gone, with the namespace.
    await world.client.delete(persistentVolumes, { name });
    await world[Symbol.asyncDispose]();
  });

  const inMounter = (...command: string[]): Promise<string> =>
    world.kubectl(['-n', namespace, 'exec', name, '--', ...command]).catch((error: unknown) => String(error));

  it('has the Model say what is missing, and go on when there is room', async () => {
    const source = { huggingFace: { repo: standard.twoQuants.repo, quantization: 'Q8_0' } };
    await world.applyModel('full', source, { storage: { storageClassName: name } });
    const full = await world.model('full', (model) => readyReason(model) === 'InsufficientStorage');
    expect(findCondition(full.status?.conditions, 'Stalled')?.status).toBe('True');
    expect(findCondition(full.status?.conditions, 'Pulled')?.message).toMatch(/\d+ bytes/);
    expect(full.status?.artifact).toBeUndefined();

    await inMounter('busybox', 'mount', '-o', `remount,${sizeOf(256 << 20)}`, '/host/fs');
    const ready = await world.model('full', isReady);
    expect(ready.status?.artifact?.claimUid).toBe(full.status?.storage?.claimUid);
  });
});
