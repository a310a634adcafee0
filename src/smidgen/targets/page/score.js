// How far from normal: a meter whose middle is the threshold.

const ALARM = 1; // the graph divides by its threshold
const headed = true; // whether there is a headline

function rows(outputs) {
  const row = bar("score", outputs ? outputs[0] / (2 * ALARM) : 0, outputs ? digits(outputs[0]) : "", true);
  row.classList.toggle("alarm", Boolean(outputs) && outputs[0] >= ALARM);
  row.querySelector(".meter").classList.add("limited");
  return [row];
}

function headline(outputs) {
  $("#best").classList.toggle("alarm", outputs[0] >= ALARM);
  return outputs[0] >= ALARM ? "Alarm" : "Normal";
}
