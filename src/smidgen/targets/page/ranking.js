// The best items, best first, without those that were chosen already.

const TOP = 10;
const HIDDEN = -1e8; // the graph adds -1e9 to what is in the history
const headed = false; // whether there is a headline

function rows(outputs) {
  if (!outputs) return [];
  const best = largest(outputs, TOP).filter((at) => outputs[at] > HIDDEN);
  const [high, low] = [outputs[best[0]], outputs[best.at(-1)]];
  return best.map((at, place) => {
    const share = 0.1 + (0.9 * (outputs[at] - low)) / (high - low || 1);
    return bar(`${place + 1}. ${model.answer.items[at]}`, share, "", !place);
  });
}

function headline() {
  return "";
}
