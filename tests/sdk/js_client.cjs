// The unmodified JavaScript SDK (which version: environment variable SDK): startRealtimeRequest with
// subscribeToConnection, then createStream with subscribeToStream; each transcribes the file, hears what was meant,
// stops, and reads the conversation back with the REST client that the SDK depends on.
'use strict';

const { randomUUID } = require('crypto');
const { ConversationsApi } = require('@symblai/api-client');
const c = require('./common.cjs');
const { Findings, insightTypes, trackers, readTheRest } = require('./findings.cjs');
const { sdk } = require(process.env.SDK || 'symbl-js-1-4-10');

const config = {
  meetingTitle: 'SDK test',
  confidenceThreshold: 0.5,
  sentiment: true,
  timezoneOffset: 480,
  languageCode: 'en-US',
  encoding: c.encoding,
  sampleRateHertz: c.sampleRateHertz,
};

// Collects what handlers are given, and checks what they dereference.
function listener(name) {
  const found = new Findings(name);
  const heard = { finals: [], found, interim: 0, completed: 0 };
  heard.handlers = {
    onSpeechDetected: (data) => {
      c.expect(typeof data.punctuated.transcript === 'string', 'punctuated.transcript');
      c.expect(data.user.name === 'Customer', 'user.name');
      if (data.isFinal) {
        heard.finals.push(data.punctuated.transcript);
        c.print('final', { via: name, text: data.punctuated.transcript });
      } else {
        heard.interim += 1;
      }
    },
    onMessageResponse: (messages) => found.onMessages(messages),
    onInsightResponse: (insights) => found.onInsights(insights),
    onTopicResponse: (topics) => found.onTopics(topics),
    onTrackerResponse: (response) => found.onTrackers(response),
    onConversationCompleted: () => {
      heard.completed += 1;
    },
  };
  return heard;
}

function subscriber(name) {
  const heard = { types: [], found: new Findings(`${name}, subscribed`), conversationId: null };
  heard.onMessage = (data) => {
    const type = data.type === 'message' ? data.message.type : data.type;
    heard.types.push(type);
    if (type === 'conversation_created') heard.conversationId = data.message.data.conversationId;
    heard.found.take(data);
    if (type === 'conversation_completed') c.print('subscription completed', { via: name });
  };
  return heard;
}

// Handlers run a tick later than the promise of stop() settles, so what they saw is waited for.
async function check(name, heard, listening, conversationId) {
  const settled = () =>
    heard.finals.length > 0 &&
    heard.finals.join(' ') === heard.found.texts().join(' ') &&
    listening.found.all() === heard.found.all();
  await c.until(settled, `${name}: all final results as messages, and the same findings for the subscriber`);
  c.expect(heard.interim > 0, `${name}: interim results`);
  c.expect(listening.conversationId === conversationId, `${name}: the subscriber hears of ${conversationId}`);
  heard.found.expectAll();
  const conversations = new ConversationsApi(sdk.oauth2.getApiClient());
  const helpers = {
    messages: 'getMessagesByConversationId',
    questions: 'getQuestionsByConversationId',
    'action-items': 'getActionItemsByConversationId',
    'follow-ups': 'getFollowUpsByConversationId',
    topics: 'getTopicsByConversationId',
  };
  const read = (path) =>
    new Promise((resolve, reject) => {
      const answer = (error, data) => (error ? reject(error) : resolve(data));
      conversations[helpers[path]](conversationId, answer);
    });
  await heard.found.readBack(read);
  await readTheRest(c.baseUrl, sdk.oauth2.activeToken, conversationId, heard.found);
}

async function realtimeRequest() {
  const id = randomUUID();
  const name = 'startRealtimeRequest';
  const listening = subscriber(name);
  sdk.subscribeToConnection(id, listening.onMessage);
  const heard = listener(name);
  const connection = await sdk.startRealtimeRequest({
    id,
    insightTypes,
    trackers,
    config: { ...config },
    speaker: { userId: '+15550100002', name: 'Customer' },
    handlers: heard.handlers,
  });
  c.expect(/^\d{16}$/.test(connection.conversationId), 'a conversationId');
  c.print('started', { via: name, conversationId: connection.conversationId });
  await c.play((data) => connection.sendAudio(data));
  const data = await connection.stop();
  c.expect(data.conversationId === connection.conversationId, `stop() to name ${connection.conversationId}`);
  await c.until(() => heard.completed === 1, 'onConversationCompleted');
  await c.until(() => listening.types.includes('conversation_completed'), 'the end of the subscription');
  await check(name, heard, listening, connection.conversationId);
  c.print('stopped', { via: name, conversationId: data.conversationId });
}

async function stream() {
  const id = randomUUID();
  const name = 'createStream';
  const listening = subscriber(name);
  const subscription = await sdk.subscribeToStream(id, { handlers: { onMessage: listening.onMessage } });
  const heard = listener(name);
  const made = await sdk.createStream({
    id,
    insightTypes,
    trackers,
    config: { ...config },
    speaker: { userId: '+15550100002', name: 'Customer' },
    handlers: heard.handlers,
  });
  await made.start();
  const conversationId = await made.conversationId;
  c.print('started', { via: name, conversationId });
  await c.play((data) => made.sendAudio(data));
  await made.stop();
  await c.until(() => listening.types.includes('conversation_completed'), 'the end of the subscription');
  await check(name, heard, listening, conversationId);
  made.close();
  subscription.close();
  c.print('stopped', { via: name, conversationId });
}

(async () => {
  sdk.oauth2.setBasePath(c.baseUrl);
  await sdk.init({ appId: c.appId, appSecret: c.appSecret, basePath: c.baseUrl, logLevel: 'error' });
  await realtimeRequest();
  await stream();
  c.print('passed');
  process.exit(0);
})().catch(c.fail);
