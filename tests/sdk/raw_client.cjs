// A raw WebSocket client as the documentation's samples write it: start_request in onopen, audio right behind it
// without waiting for an answer, stop_request and close in one go. A second one listens, and reads the conversation back.
'use strict';

const { randomUUID } = require('crypto');
const WebSocket = require('ws');
const c = require('./common.cjs');
const { Findings, insightTypes, trackers, readTheRest } = require('./findings.cjs');

(async () => {
  const response = await fetch(`${c.baseUrl}/oauth2/token:generate`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ type: 'application', appId: c.appId, appSecret: c.appSecret }),
  });
  c.expect(response.status === 200, 'a token');
  const { accessToken } = await response.json();
  const connectionId = randomUUID();
  const socketUrl = c.baseUrl.replace(/^http/, 'ws');
  const url = (kind) => `${socketUrl}/v1/${kind}/${connectionId}?access_token=${accessToken}`;

  const heard = { types: [], found: new Findings('subscribed'), closed: null };
  const listening = new WebSocket(url('subscribe'));
  listening.onmessage = (event) => {
    const data = JSON.parse(event.data);
    heard.types.push(data.type === 'message' ? data.message.type : data.type);
    heard.found.take(data);
  };
  listening.onclose = (event) => {
    heard.closed = event.code;
  };
  await new Promise((resolve, reject) => {
    listening.onopen = resolve;
    listening.onerror = reject;
  });

  const seen = { conversationId: null, finals: [] };
  const ws = new WebSocket(url('streaming'));
  ws.onmessage = (event) => {
    const data = JSON.parse(event.data);
    if (data.type === 'message' && Object.hasOwn(data.message, 'data')) {
      seen.conversationId = data.message.data.conversationId;
    }
    if (data.type === 'message' && Object.hasOwn(data.message, 'punctuated') && data.message.isFinal) {
      seen.finals.push(data.message.punctuated.transcript);
      c.print('final', { text: data.message.punctuated.transcript });
    }
  };
  ws.onerror = c.fail;
  await new Promise((resolve) => {
    ws.onopen = resolve;
  });
  ws.send(
    JSON.stringify({
      type: 'start_request',
      meetingTitle: 'Websockets How-to',
      insightTypes,
      trackers,
      config: {
        confidenceThreshold: 0.5,
        sentiment: true,
        languageCode: 'en-US',
        speechRecognition: { encoding: c.encoding, sampleRateHertz: c.sampleRateHertz },
      },
      speaker: { userId: 'example@symbl.ai', name: 'Example Sample' },
    }),
  );
  await c.play((data) => ws.send(data));
  ws.send(JSON.stringify({ type: 'stop_request' }));
  ws.close();

  await c.until(() => heard.closed !== null, 'the end of the subscription');
  c.expect(heard.closed === 1000, `the subscription to end with 1000, not ${heard.closed}`);
  c.expect(/^\d{16}$/.test(seen.conversationId), 'a conversationId');
  c.expect(heard.types.at(-1) === 'conversation_completed', 'conversation_completed as the last message');
  // What was said just before the close comes to those who still listen.
  const said = heard.found.texts().join(' ');
  c.expect(said.length > 0 && said.startsWith(seen.finals.join(' ')), `every final result as a message: ${said}`);
  heard.found.expectAll();
  const read = await readTheRest(c.baseUrl, accessToken, seen.conversationId, heard.found);
  await heard.found.readBack(read);
  c.print('passed');
  process.exit(0);
})().catch(c.fail);
