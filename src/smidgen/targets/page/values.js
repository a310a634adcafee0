// Numbers in their unit: one of them large, several in a list.

const unit = model.answer.unit ? ` ${model.answer.unit}` : "";
const alone = model.output.count === 1;

function called(at) {
  return model.answer.names?.[at] || (alone ? "" : model.signal?.horizon ? `+${at + 1}` : `value ${at + 1}`);
}
const headed = alone || Boolean(model.signal?.horizon); // whether there is a headline

function rows(outputs) {
  if (alone) return [];
  const values = [...(outputs ?? new Float32Array(model.output.count))].slice(0, SHOWN);
  return values.map((value, at) => bar(called(at), null, outputs ? digits(value) + unit : ""));
}

function headline(outputs) {
  return headed ? digits(outputs[0]) + unit + (alone ? "" : " next") : "";
}
