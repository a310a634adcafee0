// Numbers of which nothing more is known.
const headed = false; // whether there is a headline

function rows(outputs) {
  const values = outputs ?? new Float32Array(model.output.count);
  const shown = values.length > SHOWN ? largest(values, SHOWN) : [...values.keys()];
  return shown.map((at) => bar(at, null, outputs ? values[at].toPrecision(5) : ""));
}

function headline() {
  return "";
}
