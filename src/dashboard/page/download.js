// Saves a conversation as a file.

import { fileName, jsonOf, markdownOf, srtOf } from "./transcript.js";

const FORMATS = {
  markdown: { ending: "md", type: "text/markdown" },
  srt: { ending: "srt", type: "application/x-subrip" },
  json: { ending: "json", type: "application/json" },
};

/** Makes the file of a format and hands it to the browser. The server writes Markdown and SRT where it can. */
export async function download(format, { symbl, watch, title, nameOf }) {
  const { model, figures } = watch;
  const { ending, type } = FORMATS[format];
  const turns = model.turns.filter((turn) => turn.id !== null);
  const own = {
    markdown: () => markdownOf({ title, turns, nameOf }),
    srt: () => srtOf({ turns, nameOf, startMs: model.startMs }),
    json: () => jsonOf({ model, title, figures, nameOf }),
  }[format];
  const text = (format === "json" ? null : await fromServer(symbl, model.conversationId, format)) ?? own();
  const url = URL.createObjectURL(new Blob([text], { type: `${type};charset=utf-8` }));
  const link = document.createElement("a");
  link.href = url;
  link.download = fileName(title, model.startMs, ending);
  link.click();
  // The browser has taken hold of it by then.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

async function fromServer(symbl, conversationId, format) {
  const contentType = format === "srt" ? "text/srt" : "text/markdown";
  try {
    const answer = await symbl.post(`/v1/conversations/${encodeURIComponent(conversationId)}/transcript`,
      { contentType, createParagraphs: true, showSpeakerSeparation: true });
    const payload = answer?.transcript?.payload;
    const text = typeof payload === "string" ? payload : payload?.content;
    return typeof text === "string" && text !== "" ? `${text.replace(/<br\s*\/?>/g, "\n")}\n` : null;
  } catch {
    return null;
  }
}
