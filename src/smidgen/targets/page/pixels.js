// Pixels as `smidgen predict` makes them. An image here is {data, width, height, channels}, data channels last.

/** Bicubic weights with antialiasing, in 22-bit fixed point: Pillow's precompute_coeffs and normalize_coeffs_8bpc. */
function weights(size, start, end, wanted) {
  const scale = Math.fround(end - start) / wanted;
  const stretch = Math.max(scale, 1);
  return Array.from({ length: wanted }, (_, index) => {
    const centre = start + (index + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - 2 * stretch + 0.5));
    const last = Math.min(size, Math.trunc(centre + 2 * stretch + 0.5));
    const real = [];
    for (let x = 0; x < last - first; x++) real.push(cubic((x + first - centre + 0.5) * (1 / stretch)));
    const sum = real.reduce((a, b) => a + b, 0) || 1;
    return { first, fixed: real.map((w) => Math.trunc((w < 0 ? -0.5 : 0.5) + (w / sum) * (1 << 22))) };
  });
}

function cubic(x) {
  x = Math.abs(x);
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * -0.5 : 0;
}

/** `lines` x `size` x `step` numbers -> `lines` x `table.length` x `step`, rounded to 0..255. */
function along(data, lines, size, step, table) {
  const made = new Uint8ClampedArray(lines * table.length * step);
  let at = 0;
  for (let line = 0; line < lines; line++)
    for (const { first, fixed } of table)
      for (let c = 0; c < step; c++) {
        let sum = 1 << 21;
        let from = (line * size + first) * step + c;
        for (const weight of fixed) {
          sum += data[from] * weight;
          from += step;
        }
        made[at++] = sum >> 22;
      }
  return made;
}

/** A part of an image, [left, top, right, bottom], in another size: Image.resize of Pillow 13 with BICUBIC and a box. */
function resize(image, width, height, box = [0, 0, image.width, image.height]) {
  const [left, top, right, bottom] = box.map(Math.fround);
  const { channels } = image;
  const made = { ...image };
  const across = () => {
    if (width === image.width && !left && right === width) return;
    made.data = along(made.data, made.height, image.width, channels, weights(image.width, left, right, width));
    made.width = width;
  };
  const down = () => {
    if (height === image.height && !top && bottom === height) return;
    made.data = along(made.data, 1, image.height, made.width * channels, weights(image.height, top, bottom, height));
    made.height = height;
  };
  // What shrinks much more in height does so first: each of the two rounds.
  const tall = image.height - height > Math.max(0, 2 * (image.width - width));
  for (const pass of tall ? [down, across] : [across, down]) pass();
  return made;
}

/** The largest part of the wanted shape around the centre, in the wanted size: ImageOps.fit. */
function fit(image, width, height) {
  const ratio = width / height;
  const own = image.width / image.height;
  const w = own > ratio ? ratio * image.height : image.width;
  const h = own < ratio ? image.width / ratio : image.height;
  const [left, top] = [(image.width - w) * 0.5, (image.height - h) * 0.5];
  return resize(image, width, height, [left, top, left + w, top + h]);
}

/** What a browser can draw as an image of 1 or 3 channels, on white where transparent. */
function read(source, width, height, channels) {
  const canvas = new OffscreenCanvas(width, height);
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, width, height);
  pen.drawImage(source, 0, 0, width, height);
  const rgba = pen.getImageData(0, 0, width, height).data;
  const data = new Uint8ClampedArray(width * height * channels);
  for (let i = 0, at = 0; i < rgba.length; i += 4)
    if (channels === 3) for (let c = 0; c < 3; c++) data[at++] = rgba[i + c];
    else data[at++] = (rgba[i] * 19595 + rgba[i + 1] * 38470 + rgba[i + 2] * 7471 + 32768) >> 16;
  return { data, width, height, channels };
}

/** Ink as MNIST has it: its box scaled into 20/28 of the image, its centre of mass in the middle of it. */
function centre(ink, width, height) {
  let [left, top, right, bottom] = [ink.width, ink.height, 0, 0];
  ink.data.forEach((value, i) => {
    if (!value) return;
    const [x, y] = [i % ink.width, Math.floor(i / ink.width)];
    [left, top, right, bottom] = [Math.min(left, x), Math.min(top, y), Math.max(right, x + 1), Math.max(bottom, y + 1)];
  });
  const made = { data: new Uint8ClampedArray(width * height), width, height, channels: 1 };
  if (right <= left) return made;
  const scale = Math.min(width / (right - left), height / (bottom - top)) * (20 / 28);
  const side = (length) => Math.max(1, Math.round(length * scale));
  const small = resize(ink, side(right - left), side(bottom - top), [left, top, right, bottom]);
  let [mass, x, y] = [0, 0, 0];
  small.data.forEach((value, i) => {
    mass += value;
    x += value * ((i % small.width) + 0.5);
    y += value * (Math.floor(i / small.width) + 0.5);
  });
  const [dx, dy] = [Math.round(width / 2 - x / mass), Math.round(height / 2 - y / mass)];
  small.data.forEach((value, i) => {
    const [column, row] = [dx + (i % small.width), dy + Math.floor(i / small.width)];
    if (column >= 0 && column < width && row >= 0 && row < height) made.data[row * width + column] = value;
  });
  return made;
}
