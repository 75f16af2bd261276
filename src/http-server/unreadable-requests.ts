import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { errorBody, Refusal } from './refusal.ts';

/**
 * Answers what Node's parser has given up: nobody knows which API was asked, so it is told in the shape of OpenAI's.
 * https://nodejs.org/api/http.html#event-clienterror
 */
export function refuseUnreadable(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  if (socket.writable) {
    const answer = answerTo(error.code);
    const body = JSON.stringify(errorBody(answer));
    const head = [
      `HTTP/1.1 ${answer.status} ${STATUS_CODES[answer.status]}`,
      'connection: close',
      'content-type: application/json; charset=utf-8',
      `content-length: ${Buffer.byteLength(body)}`,
    ];
    socket.write(`${head.join('\r\n')}\r\n\r\n${body}`);
  }
  socket.destroy(error);
}

function answerTo(code: string | undefined): Refusal {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return new Refusal(408, 'The request took too long to come. Send it again, over a faster connection.');
  }
  if (code === 'HPE_HEADER_OVERFLOW') {
    return new Refusal(431, 'URL and headers are larger than the 16 KiB that are taken.');
  }
  return new Refusal(400, 'This is no HTTP request that can be read.');
}
