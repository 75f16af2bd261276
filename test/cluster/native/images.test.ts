import { describe, expect, it } from 'vitest';
import { fullName } from './images.ts';

describe('the full name of an image', () => {
  it.each([
    ['busybox:1', 'docker.io/library/busybox:1'],
    ['longshore/operator:dev', 'docker.io/longshore/operator:dev'],
    ['docker.io/longshore/operator:dev', 'docker.io/longshore/operator:dev'],
    ['localhost/busybox:1', 'localhost/busybox:1'],
    ['registry:5000/operator', 'registry:5000/operator'],
    ['sha256:0123', 'sha256:0123'],
  ])('%s is %s', (name, full) => {
    expect(fullName(name)).toBe(full);
  });
});
