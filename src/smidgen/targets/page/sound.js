// Sounds: from a file, or from the microphone through a ring of the newest samples. 16 bits, one channel, at one rate.

const { rate } = model.signal;
const { count } = model.input;
const EVERY = 100; // milliseconds between two answers while listening
$("#stage").innerHTML = `
<div id="sound">
<canvas id="wave" role="img" aria-label="The sound that the model hears" width="704" height="200"></canvas>
<label id="drop"><input type="file" accept="audio/*"><span><b>Choose a sound</b><br>or drop one here</span></label>
<audio controls hidden></audio>
</div>`;
$("#tools").insertAdjacentHTML("beforeend", `<button id="listen" type="button">Listen</button><span id="heard"></span>`);

function integer(value) {
  return Math.max(-32768, Math.min(32767, Math.round(value * 32768)));
}

/** The middle of what is longer; silence on both sides of what is shorter. */
function fitted(samples) {
  const made = new Int16Array(count);
  const missing = count - samples.length;
  const start = Math.floor(Math.abs(missing) / 2);
  if (missing > 0) made.set(samples, start);
  else made.set(samples.subarray(start, start + count));
  return made;
}

function draw(samples) {
  const canvas = $("#wave");
  const pen = canvas.getContext("2d");
  const { width, height } = canvas;
  const loudest = samples.reduce((most, value) => Math.max(most, Math.abs(value)), 2000);
  pen.clearRect(0, 0, width, height);
  pen.fillStyle = getComputedStyle(canvas).color;
  for (let x = 0; x < width; x += 2) {
    let [low, high] = [0, 0];
    const end = Math.floor(((x + 2) * samples.length) / width);
    for (let i = Math.floor((x * samples.length) / width); i < end; i++) {
      [low, high] = [Math.min(low, samples[i]), Math.max(high, samples[i])];
    }
    const [top, bottom] = [high, low].map((value) => (height / 2) * (1 - value / loudest));
    pen.fillRect(x, top, 1.4, Math.max(1.4, bottom - top));
  }
}

function hear(samples) {
  draw(samples);
  show(samples);
}

/** The newest `count` samples, whatever the size of the pieces in which they come. */
function ring() {
  const held = new Int16Array(count);
  let at = 0;
  let seen = 0;
  return {
    push(samples) {
      for (const value of samples.subarray(Math.max(0, samples.length - count))) {
        held[at] = value;
        at = (at + 1) % count;
      }
      seen += samples.length;
    },
    newest() {
      const made = new Int16Array(count);
      made.set(held.subarray(at));
      made.set(held.subarray(0, at), count - at);
      return made;
    },
    full: () => seen >= count,
  };
}

/** Pieces at one rate as pieces at the model's: the mean of the samples that each new one stands for. */
function resampler(from) {
  const step = from / rate;
  let [position, sum, weight] = [0, 0, 0];
  return (samples) => {
    const made = [];
    for (const value of samples) {
      const left = Math.min(1, step - position);
      [sum, weight, position] = [sum + value * left, weight + left, position + 1];
      if (position < step) continue;
      made.push(integer(sum / weight));
      position -= step;
      [sum, weight] = [value * position, position];
      for (; position >= step; position -= step) made.push(integer(value));
      if (!position) [sum, weight] = [0, 0];
    }
    return Int16Array.from(made);
  };
}

const TAP = `registerProcessor("tap", class extends AudioWorkletProcessor {
process([[samples]]) { if (samples) this.port.postMessage(samples); return true; }
});`;

/** A stream, as pieces of 16-bit samples at the model's rate; the answer ends it. */
async function tapped(stream, push) {
  let context = new AudioContext({ sampleRate: rate });
  let source;
  try {
    source = context.createMediaStreamSource(stream);
  } catch {
    context.close(); // some browsers do not resample
    context = new AudioContext();
    source = context.createMediaStreamSource(stream);
  }
  await context.audioWorklet.addModule(`data:text/javascript,${encodeURIComponent(TAP)}`); // a blob fails on disks
  const tap = new AudioWorkletNode(context, "tap", { numberOfOutputs: 0 });
  const resample = resampler(context.sampleRate);
  tap.port.onmessage = ({ data }) => push(resample(data));
  source.connect(tap);
  await context.resume();
  return () => context.close();
}

function microphone() {
  let [on, close, stream, timer] = [false, null, null, 0];

  function stop() {
    on = false;
    clearInterval(timer);
    close?.();
    stream?.getTracks().forEach((track) => track.stop());
    [close, stream] = [null, null];
    $("#listen").textContent = "Listen";
    $("#heard").textContent = "";
  }

  async function start() {
    blank();
    draw(new Int16Array(count));
    $("#drop").hidden = $("#sound audio").hidden = true;
  }

  async function listen() {
    if (on) return stop();
    on = true;
    $("#listen").textContent = "Stop";
    const heard = ring();
    try {
      stream = await navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1 } });
      if (!on) return stop();
      close = await tapped(stream, heard.push);
    } catch (error) {
      stop();
      return blank(`The microphone cannot be used: ${error.message}`);
    }
    $("#heard").textContent = `hears the last ${(count / rate).toFixed(2)} s, ten times a second`;
    timer = setInterval(() => (heard.full() ? hear(heard.newest()) : draw(heard.newest())), EVERY);
  }
  $("#listen").onclick = listen;
  return { label: "Microphone", part: $("#sound"), tools: ["#listen", "#heard"], start, stop };
}

function file() {
  const [part, player] = [$("#sound"), $("#sound audio")];
  let samples = null;

  async function open(given) {
    try {
      const context = new OfflineAudioContext(1, 1, rate);
      const decoded = await context.decodeAudioData(await given.arrayBuffer());
      const channels = Array.from({ length: decoded.numberOfChannels }, (_, at) => decoded.getChannelData(at));
      const mean = (_, at) => integer(channels.reduce((sum, channel) => sum + channel[at], 0) / channels.length);
      samples = fitted(Int16Array.from({ length: decoded.length }, mean));
    } catch {
      return blank(`${given.name || "This"} is not a sound that this browser can read`);
    }
    URL.revokeObjectURL(player.src);
    player.src = URL.createObjectURL(given);
    if (chosen === found) start();
  }

  function start() {
    $("#drop").hidden = false;
    player.hidden = !samples;
    draw(samples ?? new Int16Array(count));
    if (samples) show(samples);
    else blank();
  }
  const found = { label: "File", part, tools: [], start, open };
  const take = (files) => {
    if (!files.length) return;
    choose(found);
    open(files[0]);
  };
  part.querySelector("input").onchange = (event) => take(event.target.files);
  ondragover = (event) => event.preventDefault();
  ondrop = (event) => {
    event.preventDefault();
    take(event.dataTransfer.files);
  };
  return found;
}

function ways() {
  return navigator.mediaDevices ? [microphone(), file()] : [file()];
}
