// The JavaScript SDK with reconnectOnError and a token that the server refuses: it reconnects at once and without
// end, so only the server's delay keeps it from flooding. Tries for SECONDS and leaves; the server counts.
'use strict';

const { sdk } = require(process.env.SDK || 'symbl-js-1-4-10');
const [baseUrl, seconds = '5'] = process.argv.slice(2);

const base64url = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
const exp = Math.floor(Date.now() / 1000) + 3600;
const accessToken = `${base64url({ alg: 'HS256', typ: 'JWT' })}.${base64url({ sub: 'nobody', exp })}.c2ln`;

process.on('unhandledRejection', () => {});
setTimeout(() => process.exit(0), Number(seconds) * 1000);
(async () => {
  await sdk.init({ accessToken, basePath: baseUrl, reconnectOnError: true, logLevel: 'silent' });
  await sdk.startRealtimeRequest({
    id: 'refused-client',
    reconnectOnError: true,
    config: { encoding: 'MULAW', sampleRateHertz: 8000 },
    handlers: {},
  });
})();
