// Any model: numbers as text.

$("#stage").innerHTML = `<textarea id="numbers" aria-label="Numbers" spellcheck="false"></textarea>`;

function ways() {
  return [numbers()];
}

/** Numbers as text, in the order and in the type of the model's input. */
function numbers() {
  const part = $("#numbers");
  const { dtype, count, shape } = model.input;
  part.placeholder = `${count} numbers (${dtype}, ${shape.join(" x ")}), with spaces, commas or lines between them`;
  function answer() {
    const words = part.value.split(/[\s,;]+/).filter(Boolean);
    if (!words.length) return blank();
    const wrong = words.find((word) => !Number.isFinite(Number(word)));
    if (wrong !== undefined) return blank(`${wrong.slice(0, 20)} is not a number`);
    if (words.length !== count) return blank(`${count} numbers are needed; there are ${words.length}`);
    show(words.map(Number));
  }
  part.oninput = answer;
  return { label: "Numbers", part, tools: ["#clear"], start: answer, clear: () => ((part.value = ""), blank()) };
}
