// Rows of a table: one as a form, many as text. Numbers may be missing; categories are codes, -1 where unknown.

const { numbers, categories, fills, edges, flags } = model.signal;
const columns = [...numbers, ...categories.map(([name]) => name)];
const MOST = 200; // rows with an answer
$("#stage").innerHTML = `
<div id="form"></div>
<div id="sheet" hidden>
<textarea aria-label="Table" spellcheck="false"></textarea>
<div id="answers"></div>
</div>`;
$("#tools").insertAdjacentHTML("beforeend", `<button id="usual" type="button">Usual values</button>`);

function chooser(line, options, started) {
  const field = element("select", "", line);
  for (const [value, text] of [["", "missing"], ...options]) element("option", text, field).value = value;
  field.value = started;
  return field;
}

/** A number with a slider over what was seen in training. */
function slider(line, at) {
  const [low, high] = [edges[at]?.[0] ?? 0, edges[at]?.at(-1) ?? 1];
  const range = element("input", "", line);
  Object.assign(range, { type: "range", min: low, max: high, step: "any" });
  range.setAttribute("aria-hidden", true);
  range.tabIndex = -1;
  const field = element("input", "", line);
  Object.assign(field, { type: "number", step: "any", placeholder: "missing" });
  const follow = () => (range.value = field.value === "" ? fills[at] : field.value);
  range.oninput = () => (field.value = digits(Number(range.value)));
  field.addEventListener("input", follow);
  return Object.assign(field, { follow });
}

function fieldOf(name, at) {
  const line = element("label", "", $("#form"));
  element("span", name, line).title = name;
  if (at >= numbers.length) {
    return chooser(line, categories[at - numbers.length][1].map((level, code) => [code, level]), "");
  }
  return at < flags ? chooser(line, edges[at].map((value) => [value, digits(value)]), "") : slider(line, at);
}

function form() {
  const part = $("#form");
  const fields = columns.map(fieldOf);

  function answer() {
    const missing = (at) => (at < numbers.length ? NaN : -1);
    show(fields.map(({ value }, at) => (value === "" ? missing(at) : Number(value))));
  }

  function fill(values) {
    fields.forEach((field, at) => {
      field.value = values(at);
      field.follow?.();
    });
    answer();
  }
  part.oninput = answer;
  const usual = (at) => {
    if (at >= numbers.length) return "0";
    if (at < flags) return String(edges[at].find((value) => value === fills[at]) ?? edges[at][0]);
    return digits(fills[at]);
  };
  $("#usual").onclick = () => fill(usual);
  fill(usual);
  return { label: "One row", part, tools: ["#clear", "#usual"], start: answer, clear: () => fill(() => "") };
}

function sheet() {
  const part = $("#sheet");
  const area = part.querySelector("textarea");
  area.placeholder = `Paste or drop a table, a row for each answer, with the columns ${columns.join(", ")}`.slice(0, 400);

  function values(line) {
    return line.map((cell, at) => {
      if (at < numbers.length) return real(cell);
      return categories[at - numbers.length][1].indexOf(cell);
    });
  }

  function answer() {
    $("#answers").replaceChildren();
    if (!area.value.trim()) return blank();
    try {
      const lines = table(area.value, columns);
      const made = element("ol", "", $("#answers"));
      for (const line of lines.slice(0, MOST)) {
        const outputs = show(values(line));
        element("li", headline(outputs) || [...outputs.slice(0, 3)].map(digits).join(", "), made);
      }
      if (lines.length > MOST) element("p", `and ${lines.length - MOST} more rows`, $("#answers"));
    } catch (error) {
      blank(error.message);
    }
  }
  droppable(area, answer);
  const clear = () => ((area.value = ""), answer());
  return { label: "Many rows", part, tools: ["#clear"], start: answer, clear };
}

function ways() {
  return [form(), sheet()];
}
