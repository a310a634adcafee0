// One of several classes: a bar for each, or for the likeliest ones.

const { names } = model.answer;
const headed = true; // whether there is a headline

function rows(outputs) {
  const values = outputs ?? names.map(() => null);
  const order = largest(values, SHOWN);
  const shown = values.length > SHOWN ? order : [...values.keys()];
  return shown.map((at) =>
    outputs ? bar(names[at], values[at], `${(100 * values[at]).toFixed(1)} %`, at === order[0]) : bar(names[at], 0, ""),
  );
}

function headline(outputs) {
  return names[largest(outputs, 1)[0]];
}
