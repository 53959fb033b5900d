// POSTs a body in each way that Node documents, and PUTs without one. Arguments: URL to POST to, URL to PUT to or "-", body, header
// fields. In the body WAY stands for the name of the way. Prints each way with its status.

import http from 'node:http';
import https from 'node:https';

const [url, put, text, ...fields] = process.argv.slice(2);
const headers = Object.fromEntries(fields.map(field => field.split(/: (.*)/s).slice(0, 2)));
const bodyOf = way => text.replaceAll('WAY', way);
const pieces = body => Array.from({length: Math.ceil(body.length / 1000)}, (_, i) => body.slice(i * 1000, i * 1000 + 1000));
const options = {keepAlive: false};
const agent = url.startsWith('https:') ? new https.Agent(options) : new http.Agent(options);

const request = (to, method, more, send) => new Promise((resolve, reject) => {
  const library = to.startsWith('https:') ? https : http;
  const one = library.request(to, {method, agent, headers: {...headers, ...more}}, answer => {
    answer.resume();
    answer.on('end', () => resolve(answer.statusCode));
  });
  one.on('error', reject);
  send(one);
});

const ways = {
  end: way => request(url, 'POST', {}, one => one.end(bodyOf(way))),
  write: way => request(url, 'POST', {}, one => {
    for (const piece of pieces(bodyOf(way))) one.write(piece);
    one.end();
  }),
  expect: way => request(url, 'POST', {'Expect': '100-continue', 'Content-Length': bodyOf(way).length}, one => {
    one.on('continue', () => one.end(bodyOf(way)));
    one.flushHeaders();
  }),
  fetch: async way => (await fetch(url, {method: 'POST', headers, body: bodyOf(way)})).status,
  fetch_stream: async way => {
    const encoder = new TextEncoder();
    const stream = new ReadableStream({
      start(controller) {
        for (const piece of pieces(bodyOf(way))) controller.enqueue(encoder.encode(piece));
        controller.close();
      }
    });
    return (await fetch(url, {method: 'POST', headers, body: stream, duplex: 'half'})).status;
  },
};
for (const [way, ask] of Object.entries(ways)) console.log(way, await ask(way));
if (put !== '-') {
  console.log('put', await request(put.replace('WAY', 'put'), 'PUT', {}, one => one.end()));
  console.log('put_fetch', (await fetch(put.replace('WAY', 'put_fetch'), {method: 'PUT', headers})).status);
}
process.exit(0);
