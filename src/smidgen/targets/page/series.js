// Windows of sensor channels: typical values that sliders move, or a table whose last rows are the window.

const { channels, window: steps, mean, scale, horizon, ahead } = model.signal;
const deviation = scale.map((value) => (value ? 1 / value : 0)); // a constant channel has a scale of 0
const SLIDERS = 12;
const COLOURS = ["#0b6e6e", "#c05a1c", "#5a6fd0", "#a07c00", "#98407f", "#2f7fb5"];
$("#stage").innerHTML = `
<div id="series">
<canvas id="curves" role="img" aria-label="The window that the model sees" width="704" height="320"></canvas>
<div id="levels"></div>
<textarea aria-label="Table" spellcheck="false" hidden></textarea>
</div>`;

/** Rows as one row of numbers; the window is what came last, begun with its first row where it is short. */
function windowed(rows) {
  const late = rows.slice(-steps);
  while (late.length < steps) late.unshift(late[0]);
  return late.flat();
}

/** Each channel in its own colour and its own range, what was forecast dashed. */
function draw(values, outputs) {
  const canvas = $("#curves");
  const pen = canvas.getContext("2d");
  const length = steps + (outputs ? horizon : 0);
  const across = (step) => 8 + (step * (canvas.width - 16)) / Math.max(1, length - 1);
  pen.clearRect(0, 0, canvas.width, canvas.height);
  [pen.lineWidth, pen.lineJoin] = [2.5, "round"];
  channels.slice(0, SLIDERS).forEach((_, channel) => {
    const known = Array.from({ length: steps }, (_, step) => values[step * channels.length + channel]);
    const place = outputs ? ahead.indexOf(channel) : -1;
    const future = place < 0 ? [] : Array.from({ length: horizon }, (_, step) => outputs[step * ahead.length + place]);
    const every = [...known, ...future].filter(Number.isFinite);
    const middle = horizon ? (Math.max(...every) + Math.min(...every)) / 2 : mean[channel];
    const reach = Math.max(3 * deviation[channel], ...every.map((value) => Math.abs(value - middle))) || 1;
    const up = (value) => canvas.height * (0.5 - 0.46 * ((value - middle) / reach));
    const curve = (numbers, first) => {
      pen.beginPath();
      numbers.forEach((value, step) => pen.lineTo(across(first + step), up(value)));
      if (numbers.length === 1) pen.arc(across(first), up(numbers[0]), 4, 0, 7);
      pen.stroke();
    };
    pen.strokeStyle = COLOURS[channel % COLOURS.length];
    curve(known, 0);
    pen.setLineDash([8, 6]);
    if (future.length) curve([known.at(-1), ...future], steps - 1);
    pen.setLineDash([]);
  });
}

function look(values) {
  const outputs = show(values);
  draw(values, horizon ? outputs : null);
}

function levels() {
  const fields = channels.slice(0, SLIDERS).map((name, channel) => {
    const line = element("label", "", $("#levels"));
    element("span", name, line).style.color = COLOURS[channel % COLOURS.length];
    const field = element("input", "", line);
    Object.assign(field, { type: "range", min: -5, max: 5, step: 0.05, value: 0 });
    field.written = element("output", "", line);
    return field;
  });

  /** A slow wave in every channel, moved to the level that was chosen. */
  function answer() {
    const moved = channels.map((_, channel) => Number(fields[channel]?.value ?? 0));
    fields.forEach((field, channel) => (field.written.textContent = digits(mean[channel] + moved[channel] * deviation[channel])));
    const row = (step) =>
      channels.map((_, channel) => {
        const wave = 0.3 * Math.sin(step / 3 + 2 * channel);
        return mean[channel] + (moved[channel] + (steps > 1 ? wave : 0)) * deviation[channel];
      });
    look(windowed(Array.from({ length: steps }, (_, step) => row(step))));
  }
  $("#levels").oninput = answer;
  const clear = () => (fields.forEach((field) => (field.value = 0)), answer());
  const start = () => shown(false, answer);
  return { label: "Try", part: $("#series"), tools: ["#clear"], start, clear };
}

function shown(text, answer) {
  $("#levels").hidden = text;
  $("#series textarea").hidden = !text;
  answer();
}

function recorded() {
  const area = $("#series textarea");
  area.placeholder = `Paste or drop a table, a row for each step, with the columns ${channels.join(", ")}`.slice(0, 400);

  function answer() {
    try {
      const rows = table(area.value, channels).map((line) => line.map(real));
      if (rows.length) return look(windowed(rows));
      blank();
    } catch (error) {
      blank(error.message);
    }
    draw([], null);
  }
  droppable(area, answer);
  const clear = () => ((area.value = ""), answer());
  const start = () => shown(true, answer);
  return { label: "Table", part: $("#series"), tools: ["#clear"], start, clear };
}

function ways() {
  return [levels(), recorded()];
}
