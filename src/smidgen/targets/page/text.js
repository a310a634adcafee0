// Messages: UTF-8, filled up with zeros, without spaces around; what is too long is cut after a whole character.

$("#stage").innerHTML = `
<textarea id="text" aria-label="Message" placeholder="Type or paste a message" autofocus></textarea>`;
$("#tools").insertAdjacentHTML("beforeend", `<span id="read" aria-live="polite"></span>`);

function encoded(text) {
  const bytes = new TextEncoder().encode(text.trim().replaceAll("\0", " "));
  let end = Math.min(bytes.length, model.input.count);
  while (end < bytes.length && (bytes[end] & 0xc0) === 0x80) end--;
  const padded = new Uint8Array(model.input.count);
  padded.set(bytes.subarray(0, end));
  return { padded, cut: end < bytes.length, end };
}

function ways() {
  const part = $("#text");
  function answer() {
    $("#read").textContent = "";
    if (!part.value.trim()) return blank();
    const { padded, cut, end } = encoded(part.value);
    $("#read").textContent = cut ? `It reads the first ${end} bytes` : `${end} of at most ${model.input.count} bytes`;
    show(padded);
  }
  part.oninput = answer;
  const clear = () => ((part.value = ""), answer());
  return [{ label: "Message", part, tools: ["#clear", "#read"], start: answer, clear }];
}
