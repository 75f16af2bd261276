import { describe, expect, it } from 'vitest';
import { bypassOf } from './no-proxy.ts';

const bypasses = (entries: string, url: string): boolean => bypassOf(entries)(new URL(url));

describe('NO_PROXY', () => {
  it.each([
    ['example.com', 'https://example.com/x'],
    ['example.com', 'https://cdn.example.com'],
    ['EXAMPLE.com', 'https://Example.COM'],
    ['example.com', 'https://example.com.'],
    ['example.com.', 'https://example.com'],
    ['.example.com', 'https://cdn.example.com'],
    ['*.example.com', 'https://a.b.example.com'],
    ['other.org, example.com', 'https://example.com'],
    ['other.org example.com', 'https://example.com'],
    ['*', 'http://anything.at.all:81'],
    ['.svc', 'http://hub.models.svc:8080'],
    ['example.com:443', 'https://example.com'],
    ['example.com:80', 'http://example.com'],
    ['example.com:8443', 'https://cdn.example.com:8443'],
    ['10.0.0.0/8', 'http://10.1.2.3'],
    ['10.1.2.3', 'http://10.1.2.3:8080'],
    ['10.1.2.3:8080', 'http://10.1.2.3:8080'],
    ['10.0.0.0/8', 'http://[::ffff:10.1.2.3]'],
    ['2001:db8::/32', 'http://[2001:db8::7]:81'],
    ['2001:db8::7', 'http://[2001:db8:0:0::7]'],
    ['[2001:db8::7]', 'http://[2001:db8::7]'],
    ['[2001:db8::7]:81', 'http://[2001:db8::7]:81'],
    ['', 'http://localhost:3000'],
    ['', 'http://127.0.0.1'],
    ['', 'http://127.8.9.10'],
    ['', 'http://[::1]:3000'],
  ])('%j is for %s', (entries, url) => {
    expect(bypasses(entries, url)).toBe(true);
  });

  it.each([
    ['', 'https://example.com'],
    ['example.com', 'https://notexample.com'],
    ['example.com', 'https://example.com.evil.org'],
    ['.example.com', 'https://example.com'],
    ['*.example.com', 'https://example.com'],
    ['example.com:8443', 'https://example.com'],
    ['10.1.2.3:8080', 'http://10.1.2.3'],
    ['10.0.0.0/8', 'http://11.0.0.1'],
    ['10.0.0.0/8', 'http://10.example.com'],
    ['10.0.0.0/33', 'http://10.0.0.1'],
    ['2001:db8::/32', 'http://[2001:db9::7]'],
    ['[2001:db8::7]:81', 'http://[2001:db8::7]'],
    [':443', 'https://example.com'],
    [',, ,', 'https://example.com'],
  ])('%j is not for %s', (entries, url) => {
    expect(bypasses(entries, url)).toBe(false);
  });
});
