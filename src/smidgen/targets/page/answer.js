// The model and what it costs. `model` (facts) and `wasm` (exports) come from the page around this; `rows(outputs)` and
// `headline(outputs)`, which say what an answer means, from the file for its kind of answer.

const $ = (selector) => document.querySelector(selector);
const TYPES = { float32: Float32Array, int32: Int32Array, int16: Int16Array, uint8: Uint8Array, int8: Int8Array };
const SHOWN = 12; // classes or values; of more, the likeliest or the first
const given = view(wasm.input(), model.input);
const wanted = view(wasm.output(), model.output);
let last = null; // the input that was answered last

function view(address, { dtype, count }) {
  return new TYPES[dtype](wasm.memory.buffer, address, count);
}

function element(tag, text = "", parent = null) {
  const made = document.createElement(tag);
  made.textContent = text;
  parent?.append(made);
  return made;
}

/** The outputs, real numbers, of one input in the model's own type. */
function run(values) {
  if (values.length !== given.length) throw new Error(`The model takes ${given.length} numbers, not ${values.length}`);
  given.set(values);
  if (wasm.run()) throw new Error("The model refuses its buffers");
  const { scale, zero } = model.output;
  return Float32Array.from(wanted, (code) => (code - zero) * scale);
}

/** Milliseconds that one answer takes: the mean of as many as fit into `span` milliseconds. */
function time(span) {
  const start = performance.now();
  let runs = 0;
  do wasm.run(), runs++;
  while (performance.now() - start < span);
  return (performance.now() - start) / runs;
}

function show(values) {
  last = values;
  const outputs = run(values);
  $("#bars").replaceChildren(...rows(outputs));
  say(headline(outputs));
  return outputs;
}

/** Before there is an input: rows without answers. */
function blank(problem = "") {
  last = null;
  $("#bars").replaceChildren(...rows(null));
  say("", problem);
}

/** Words that have not changed stay as they are, so that screen readers do not repeat them. */
function say(best, problem = "") {
  if ($("#best").textContent !== best) $("#best").textContent = best;
  $("#best").classList.toggle("long", best.length > 3);
  if ($("#problem").textContent !== problem) $("#problem").textContent = problem;
}

/** One line of an answer; without a `share` from 0 to 1 it has no meter. */
function bar(label, share, written, best = false) {
  const row = element("li");
  row.classList.toggle("best", best);
  element("span", label, row).className = "label";
  const meter = element("span", "", row);
  if (share !== null) {
    meter.className = "meter";
    element("span", "", meter).style.width = `${100 * Math.min(1, Math.max(0, share))}%`;
  }
  element("span", written, row).className = "value";
  return row;
}

/** The first places of the largest numbers. */
function largest(numbers, count) {
  return [...numbers.keys()].sort((a, b) => numbers[b] - numbers[a]).slice(0, count);
}

/** A number with four digits that count. */
function digits(number) {
  return Number.isFinite(number) ? String(Number(number.toPrecision(4))) : "–";
}

function kilobytes(count) {
  return count < 1024 ? `${count} B` : `${(count / 1024).toFixed(1)} KB`;
}

/** The values that `noise` of wasm.py makes. */
function noise(seed) {
  const factor = Math.imul(2654435761, 2 * seed + 1);
  return given.map((_, index) => {
    const byte = Math.imul(index + 1, factor) >>> 24;
    if (model.input.dtype === "float32") return byte / 128 - 1;
    if (model.input.most) return byte % (model.input.most + 1);
    return model.input.dtype === "uint8" ? byte : byte - 128;
  });
}

/** Whether this browser answers as the original did when the page was made. */
function prove() {
  return model.proof.every((expected, index) => {
    const outputs = run(noise(index + 1));
    return expected.every((value, i) => Math.abs(outputs[i] - value) <= 1e-3 * Math.max(1, Math.abs(value)));
  });
}

function costs(milliseconds) {
  const list = [
    ["time per answer", milliseconds ? `${milliseconds.toPrecision(2)} ms` : "–"],
    ["model", kilobytes(model.bytes)],
    ["RAM", kilobytes(model.ram)],
  ];
  $("footer dl").replaceChildren(
    ...list.map(([name, value]) => {
      const pair = element("div");
      element("dt", name, pair);
      element("dd", value, pair);
      return pair;
    }),
  );
}
