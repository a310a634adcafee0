// Images: drawn, from a file, from the camera.

const sensor = { ...model.signal, dark: model.signal.zero_point < 128 }; // where dark is the ground, ink is bright
$("#stage").innerHTML = `
<canvas id="paper" tabindex="0" role="img" hidden
aria-label="Drawing area. With the keyboard: arrows move the pen, space lowers and lifts it, escape clears."></canvas>
<label id="drop" hidden>
<input type="file" accept="image/png,image/jpeg,image/bmp">
<img alt="The image that was given" hidden>
<span><b>Choose an image</b><br>or drop or paste one here</span>
</label>
<video id="video" autoplay muted playsinline hidden></video>`;
$("#tools").insertAdjacentHTML("beforeend", `
<label id="centred"><input type="checkbox" checked>Centre and scale</label>
<label id="inverted"><input type="checkbox">Swap dark and bright</label>`);

function ways() {
  const all = sensor.channels === 1 ? [drawing(), photo()] : [photo()];
  return navigator.mediaDevices ? [...all, camera()] : all;
}

/** An image in the size of the sensor: shown as the model sees it, and answered. */
function look(image) {
  const { data } = image;
  const seen = $("#sees canvas");
  [seen.width, seen.height] = [image.width, image.height];
  const pixels = new ImageData(image.width, image.height);
  for (let i = 0; i < image.width * image.height; i++) {
    for (let c = 0; c < 3; c++) pixels.data[4 * i + c] = data[i * image.channels + Math.min(c, image.channels - 1)];
    pixels.data[4 * i + 3] = 255;
  }
  seen.getContext("2d").putImageData(pixels, 0, 0);
  $("#sees").hidden = false;
  show(data);
}

function invert(image) {
  return { ...image, data: image.data.map((value) => 255 - value) };
}

/** Drawing with a pointer or with keys. Ink is the opacity of the canvas, whatever the colours of the page. */
function drawing() {
  const paper = $("#paper");
  const pen = paper.getContext("2d", { willReadFrequently: true });
  const unit = Math.round(280 / Math.max(sensor.width, sensor.height)) || 1;
  [paper.width, paper.height] = [sensor.width * unit, sensor.height * unit];
  const nib = 0.08 * Math.min(paper.width, paper.height);
  let strokes = [];
  let planned = 0;
  let down = false;
  let key = null; // where the pen of the keyboard is

  function redraw() {
    pen.clearRect(0, 0, paper.width, paper.height);
    pen.strokeStyle = getComputedStyle(paper).color;
    [pen.lineWidth, pen.lineCap, pen.lineJoin] = [nib, "round", "round"];
    for (const stroke of strokes) {
      pen.beginPath();
      for (const [x, y] of [stroke[0], ...stroke]) pen.lineTo(x, y);
      pen.stroke();
    }
  }

  function answer() {
    planned = 0;
    redraw();
    if (!strokes.length) return clear();
    const rgba = pen.getImageData(0, 0, paper.width, paper.height).data;
    const ink = { data: rgba.filter((_, i) => i % 4 === 3), width: paper.width, height: paper.height, channels: 1 };
    const make = $("#centred input").checked ? centre : resize;
    const image = make(ink, sensor.width, sensor.height);
    look(sensor.dark ? image : invert(image));
    if (key) mark();
  }

  function mark() {
    pen.fillStyle = getComputedStyle(document.body).accentColor;
    pen.fillRect(key[0] - nib / 4, key[1] - nib / 4, nib / 2, nib / 2);
  }

  function later() {
    planned ||= requestAnimationFrame(answer);
  }

  function clear() {
    strokes = [];
    redraw();
    $("#sees").hidden = true;
    blank();
  }

  function place(event) {
    const box = paper.getBoundingClientRect();
    const x = ((event.clientX - box.left) * paper.width) / box.width;
    return [x, ((event.clientY - box.top) * paper.height) / box.height];
  }

  paper.onpointerdown = (event) => {
    if (event.button) return;
    paper.setPointerCapture(event.pointerId);
    [down, key] = [true, null];
    strokes.push([place(event)]);
    later();
  };
  paper.onpointermove = (event) => {
    if (!down) return;
    const moves = event.getCoalescedEvents?.() ?? [];
    strokes.at(-1).push(...(moves.length ? moves : [event]).map(place));
    later();
  };
  paper.onpointerup = paper.onpointercancel = () => {
    down = false;
    later();
  };
  paper.onkeydown = (event) => {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (event.key === "Escape") return clear();
    if (!step && event.key !== " ") return;
    event.preventDefault();
    key ??= [paper.width / 2, paper.height / 4];
    if (!step) {
      down = !down;
      if (down) strokes.push([key]);
    } else {
      const limits = [paper.width, paper.height];
      key = key.map((at, axis) => Math.min(limits[axis], Math.max(0, at + 2 * unit * step[axis])));
      if (down) strokes.at(-1).push(key);
    }
    if (strokes.length) return answer();
    redraw();
    mark();
  };
  $("#centred input").onchange = later;
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  function stop() {
    cancelAnimationFrame(planned);
    planned = 0;
  }
  return { label: "Draw", part: paper, tools: ["#clear", "#centred"], start: later, stop, clear };
}

/** Whole images: from a file, dropped or pasted. */
function photo() {
  const part = $("#drop");
  let image = null;

  async function open(file) {
    try {
      const bitmap = await createImageBitmap(file, { colorSpaceConversion: "none" });
      image = read(bitmap, bitmap.width, bitmap.height, sensor.channels);
    } catch {
      return blank(`${file.name || "This"} is not an image that this browser can read`);
    }
    if (chosen !== found) return;
    const picture = part.querySelector("img");
    URL.revokeObjectURL(picture.src);
    [picture.src, picture.hidden] = [URL.createObjectURL(file), false];
    answer();
  }

  function answer() {
    if (!image) return blank();
    const same = image.width === sensor.width && image.height === sensor.height;
    const fitted = same ? image : fit(image, sensor.width, sensor.height);
    look($("#inverted input").checked ? invert(fitted) : fitted);
  }

  const found = { label: "Image", part, tools: ["#inverted"], start: answer, open };
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
  onpaste = (event) => take(event.clipboardData.files);
  return found;
}

/** The camera, answered as it moves. */
function camera() {
  const video = $("#video");
  let on = false;

  function frame() {
    if (!on) return;
    if (video.videoWidth) {
      const image = read(video, video.videoWidth, video.videoHeight, sensor.channels);
      const fitted = fit(image, sensor.width, sensor.height);
      look($("#inverted input").checked ? invert(fitted) : fitted);
    }
    setTimeout(frame, 100);
  }

  async function start() {
    on = true;
    blank();
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
      if (!on) return stream.getTracks().forEach((track) => track.stop());
      video.srcObject = stream;
      frame();
    } catch (error) {
      if (on) blank(`The camera cannot be used: ${error.message}`);
    }
  }

  function stop() {
    on = false;
    video.srcObject?.getTracks().forEach((track) => track.stop());
    video.srcObject = null;
  }
  return { label: "Camera", part: video, tools: ["#inverted"], start, stop };
}

