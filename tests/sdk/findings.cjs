// What handlers are given about the meaning of a call, checked as it comes, and read back over REST afterwards.
'use strict';

const c = require('./common.cjs');

// What the audio must lead to, of question, action_item, follow_up, tracker and topic; without it nothing must.
const expected = (process.env.EXPECT || '').split(',').filter(Boolean);

const insightTypes = ['action_item', 'question', 'follow_up'];
const trackers = [{ name: 'Refund', vocabulary: ['refund', 'I want my money back'] }];

// Collects messages, insights, topics and trackers, each as its handler gets it.
class Findings {
  constructor(name) {
    this.name = name;
    this.messages = [];
    this.insights = [];
    this.topics = [];
    this.trackers = [];
  }

  onMessages(messages) {
    for (const message of messages) {
      this.messages.push(message);
      c.print('message', { via: this.name, text: message.payload.content });
    }
  }

  onInsights(insights) {
    for (const insight of insights) {
      this.#expectMessage(insight.messageReference.id);
      c.expect(insightTypes.includes(insight.type), `a type that was asked for, not ${insight.type}`);
      c.expect(insight.text === insight.payload.content, 'text and payload.content to agree');
      c.expect(typeof insight.from.name === 'string' && typeof insight.assignee === 'object', 'from and assignee');
      this.insights.push(insight);
      c.print('insight', { via: this.name, type: insight.type, text: insight.text, dueBy: insight.dueBy?.value });
    }
  }

  onTopics(topics) {
    for (const topic of topics) {
      topic.messageReferences.forEach((reference) => this.#expectMessage(reference.id));
      c.expect(topic.phrases.length > 0 && topic.score >= 0, 'a phrase and a score');
    }
    this.topics = topics;
    c.print('topics', { via: this.name, phrases: topics.map((topic) => topic.phrases) });
  }

  // The whole response, not its trackers.
  onTrackers(response) {
    for (const tracker of response.trackers) {
      for (const match of tracker.matches) {
        match.messageRefs.forEach((reference) => this.#expectMessage(reference.id));
        c.print('tracker', { via: this.name, name: tracker.name, value: match.value });
      }
      this.trackers.push(tracker);
    }
  }

  take(data) {
    if (data.type === 'message_response') this.onMessages(data.messages);
    if (data.type === 'insight_response') this.onInsights(data.insights);
    if (data.type === 'topic_response') this.onTopics(data.topics);
    if (data.type === 'tracker_response') this.onTrackers(data);
  }

  texts() {
    return this.messages.map((message) => message.payload.content);
  }

  // Everything in one line, to compare what two have heard.
  all() {
    const ids = (items) => items.map((item) => item.id);
    return [this.messages, this.insights, this.trackers, this.topics].map(ids).join(' / ');
  }

  expectAll() {
    for (const wanted of expected) {
      if (wanted === 'tracker') c.expect(this.trackers.some((t) => t.name === 'Refund'), 'the tracker Refund');
      else if (wanted === 'topic') c.expect(this.topics.length > 0, 'topics');
      else c.expect(this.insights.some((insight) => insight.type === wanted), `an insight of type ${wanted}`);
    }
  }

  // `read` answers a path below the conversation.
  async readBack(read) {
    const ids = (items) => items.map((item) => String(item.id)).sort().join();
    const same = async (path, key, live) => {
      const stored = (await read(path))[key];
      c.expect(ids(stored) === ids(live), `${path} to be what was heard: ${JSON.stringify(stored)}`);
      c.print('read back', { via: this.name, path, count: stored.length });
    };
    await same('messages', 'messages', this.messages);
    const texts = (await read('messages')).messages.map((message) => message.text);
    c.expect(texts.join('|') === this.texts().join('|'), `the messages' texts: ${texts}`);
    const of = (type) => this.insights.filter((insight) => insight.type === type);
    await same('questions', 'questions', of('question'));
    await same('action-items', 'actionItems', of('action_item'));
    await same('follow-ups', 'followUps', of('follow_up'));
    await same('topics', 'topics', this.topics);
  }

  #expectMessage(id) {
    c.expect(this.messages.some((message) => message.id === id), `a message ${id} before what refers to it`);
  }
}

// What the JavaScript SDK has no helper for.
async function readTheRest(baseUrl, token, conversationId, findings) {
  const read = async (path) => {
    const url = `${baseUrl}/v1/conversations/${conversationId}/${path}`;
    const response = await fetch(url, { headers: { 'x-api-key': token } });
    c.expect(response.status === 200, `${path} to answer 200, not ${response.status}`);
    return response.json();
  };
  const names = (trackers) => [...new Set(trackers.map((tracker) => tracker.name))].sort().join();
  for (const path of ['trackers-detected', 'trackers']) {
    const stored = await read(path);
    c.expect(names(stored) === names(findings.trackers), `${path}: ${JSON.stringify(stored)}`);
  }
  const analytics = await read('analytics');
  c.expect(analytics.members[0].talkTime.seconds > 0, `talk time: ${JSON.stringify(analytics)}`);
  c.expect(analytics.metrics.length === 3, 'three metrics');
  c.print('read back', { via: findings.name, path: 'analytics', wpm: analytics.members[0].pace.wpm });
  return read;
}

module.exports = { Findings, insightTypes, trackers, readTheRest };
