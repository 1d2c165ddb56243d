// The audio level of a leg, drawn: ten seconds, newest at the right.

/** Levels below this are shown as silence; telephone lines hiss at about -60 dBFS. */
const FLOOR_DB = -60;
/** Speech on a telephone line is above this. */
const SPEECH_DB = -38;
const BARS = 100;

/** Draws peaks (dBFS, 100 ms each, oldest first) into a canvas, in the canvas's own `color`. */
export function drawLevels(canvas, levels) {
  const scale = Math.min(3, devicePixelRatio || 1);
  const [width, height] = [canvas.clientWidth * scale, canvas.clientHeight * scale].map(Math.round);
  if (width === 0 || height === 0) {
    return;
  }
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
  const pen = canvas.getContext("2d");
  const style = getComputedStyle(canvas);
  pen.clearRect(0, 0, width, height);
  pen.fillStyle = style.getPropertyValue("--level-rest") || style.color;
  pen.fillRect(0, Math.round(height / 2), width, scale);
  pen.fillStyle = style.color;
  const step = width / BARS;
  const shown = levels.slice(-BARS);
  shown.forEach((level, at) => {
    const loudness = Math.max(0, Math.min(1, 1 - level / FLOOR_DB));
    const bar = Math.max(scale, loudness * height);
    const x = (BARS - shown.length + at) * step;
    pen.fillRect(x, (height - bar) / 2, Math.max(1, step - scale), bar);
  });
}

/** Returns what the last second was like, for those who do not see the strip. */
export function levelInWords(levels) {
  const loudest = Math.max(...levels.slice(-10), -96);
  return loudest >= SPEECH_DB ? "speaking" : "silent";
}
