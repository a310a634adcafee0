// Tables as text: commas, semicolons or tabs between cells, quotes around those that hold one.

const EMPTY = ["", "na", "n/a", "nan", "null", "none", "?"]; // as smidgen reads them

function cells(text) {
  const first = text.split("\n", 1)[0];
  const between = [",", ";", "\t"].sort((a, b) => first.split(b).length - first.split(a).length)[0];
  const lines = [[""]];
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const [line, letter] = [lines.at(-1), text[i]];
    if (letter === '"' && quoted && text[i + 1] === '"') line[line.length - 1] += text[++i];
    else if (letter === '"') quoted = !quoted;
    else if (letter === between && !quoted) line.push("");
    else if (letter === "\n" && !quoted) lines.push([""]);
    else if (letter !== "\r") line[line.length - 1] += letter;
  }
  return lines.map((line) => line.map((cell) => cell.trim())).filter((line) => line.some(Boolean));
}

/** The number in a cell; NaN where it is missing. */
function real(cell) {
  if (EMPTY.includes(cell.toLowerCase())) return NaN;
  const number = Number(cell);
  if (!Number.isFinite(number)) throw new Error(`${cell.slice(0, 20)} is not a number`);
  return number;
}

/** Rows of a table with a header that names the wanted columns, or without one where the width is right. */
function table(text, wanted) {
  const lines = cells(text);
  if (!lines.length) return [];
  const header = lines[0].map((name) => name.toLowerCase());
  const places = wanted.map((name) => header.indexOf(name.trim().toLowerCase()));
  if (places.every((place) => place >= 0)) return lines.slice(1).map((line) => places.map((place) => line[place] ?? ""));
  const bare = lines[0].length === wanted.length && places.every((place) => place < 0);
  if (bare) return lines[0].some((cell) => !EMPTY.includes(cell.toLowerCase()) && isNaN(cell)) ? lines.slice(1) : lines;
  throw new Error(`There is no column called ${wanted[places.findIndex((place) => place < 0)]}`);
}

/** A text area that also takes files that are dropped on it. */
function droppable(area, taken) {
  area.ondragover = (event) => event.preventDefault();
  area.ondrop = async (event) => {
    const [dropped] = event.dataTransfer.files;
    if (!dropped) return;
    event.preventDefault();
    area.value = await dropped.text();
    taken();
  };
  area.oninput = taken;
}
