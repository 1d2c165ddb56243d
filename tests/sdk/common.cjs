// What the JavaScript clients share: arguments, audio at a pace, a result a line, an end in any case.
'use strict';

const fs = require('fs');
const path = require('path');

const [baseUrl, audioFile, encoding = 'MULAW', rate = '8000'] = process.argv.slice(2);
const appId = process.env.SYMBL_APP_ID;
const appSecret = process.env.SYMBL_APP_SECRET;
const speed = Number(process.env.SPEED || '1');
const sampleRateHertz = Number(rate);
if (!baseUrl || !audioFile || !appId || !appSecret) {
  console.error('usage: SYMBL_APP_ID=.. SYMBL_APP_SECRET=.. node CLIENT BASE_URL AUDIO [ENCODING RATE]');
  process.exit(64);
}

const client = process.env.CLIENT || path.basename(process.argv[1]);

function print(event, fields) {
  console.log(JSON.stringify({ client, event, ...fields }));
}

function fail(why) {
  print('failed', { why: String((why && why.stack) || why) });
  process.exit(1);
}

function expect(condition, what) {
  if (!condition) fail(`expected ${what}`);
}

// A promise that never settles is what these clients do when a server displeases them.
setTimeout(() => fail('timed out'), Number(process.env.TIMEOUT_S || '120') * 1000);
process.on('unhandledRejection', fail);
process.on('uncaughtException', fail);

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// Sends the file in 20 ms pieces at `speed` times real time.
async function play(send) {
  const audio = fs.readFileSync(audioFile);
  const bytes = (sampleRateHertz / 50) * (encoding === 'MULAW' ? 1 : 2);
  const began = Date.now();
  for (let at = 0, sent = 0; at < audio.length; at += bytes, sent += 1) {
    const early = (sent * 20) / speed - (Date.now() - began);
    if (early > 0) await pause(early);
    send(audio.subarray(at, at + bytes));
  }
}

// Waits for a condition, for a bounded time.
async function until(condition, what) {
  for (let waited = 0; waited < 20000; waited += 20) {
    if (condition()) return;
    await pause(20);
  }
  fail(`still waiting for ${what}`);
}

module.exports = { baseUrl, appId, appSecret, encoding, sampleRateHertz, print, fail, expect, play, until };
