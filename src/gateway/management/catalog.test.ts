import { expect, it } from 'vitest';
import { aModel, anArtifact, aServer, cachesOf, conditions } from '../testing/objects.ts';
import { catalog, CatalogEntry } from './catalog.ts';

it('the catalog has of every Model what is known of it, and what serves it', () => {
  const pulled = aModel('pulled', {
    status: {
      conditions: conditions(['Ready', 'True', 'Ready']),
      artifact: anArtifact,
      gguf: {
        architecture: 'qwen3',
        parameters: '8.0B',
        quantization: 'Q4_K_M',
        contextLength: 40_960,
        license: 'mit',
      },
    },
  });
  const coming = aModel('coming', {
    status: {
      conditions: conditions(['Ready', 'False', 'Pulling', 'Half of it.']),
      progress: {
        percent: 50,
        text: '50%',
        downloadedBytes: 21,
        totalBytes: 42,
        bytesPerSecond: 7,
        secondsLeft: 3,
      },
    },
  });
  const server = aServer('chat', {
    modelRef: { name: 'pulled' },
    servedNames: ['llama3.1:8b'],
    replicas: 2,
    status: { conditions: conditions(['Ready', 'False', 'Loading', '60 %']), readyReplicas: 1 },
  });
  const other = aServer('other', { namespace: 'elsewhere', modelRef: { name: 'pulled' } });
  const caches = cachesOf({ models: [pulled, coming, aModel('new')], servers: [server, other] });
  const entries = catalog({ caches, home: undefined });
  expect(entries.map((entry) => CatalogEntry.strict().parse(entry))).toEqual([
    {
      name: 'coming',
      namespace: 'team',
      status: 'Pulling',
      message: 'Half of it.',
      available: false,
      loaded: false,
      progress: { percent: 50, completed: 21, total: 42, bytes_per_second: 7, seconds_left: 3 },
      servers: [],
    },
    {
      name: 'new',
      namespace: 'team',
      status: 'Pending',
      message: '',
      available: false,
      loaded: false,
      servers: [],
    },
    {
      name: 'pulled',
      namespace: 'team',
      status: 'Ready',
      message: '',
      available: true,
      loaded: true,
      revision: 'r',
      digest: anArtifact.digest,
      size: 42,
      architecture: 'qwen3',
      parameters: '8.0B',
      quantization: 'Q4_K_M',
      context_length: 40_960,
      license: 'mit',
      servers: [
        {
          name: 'chat',
          names: ['chat', 'llama3.1:8b'],
          status: 'Loading',
          message: '60 %',
          replicas: 2,
          ready: 1,
        },
      ],
    },
  ]);
});
