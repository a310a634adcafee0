// Puts the page together. `ways()`, from the file for the kind of input, gives the ways to give one: each is {label, part,
// tools, start(), stop?(), clear?()}; `start` shows it and answers what it holds.

let chosen = null;

function choose(input) {
  if (input === chosen) return;
  chosen?.stop?.();
  chosen = input;
  $("#sees").hidden = true;
  for (const other of inputs) {
    other.part.hidden = true; // several may share one
    other.tab.setAttribute("aria-selected", other === input);
    other.tab.tabIndex = other === input ? 0 : -1;
  }
  input.part.hidden = false;
  for (const tool of $("#tools").children) tool.hidden = !input.tools.includes(`#${tool.id}`);
  input.start();
}

/** A tab for each input; arrow keys go from one to the next. */
function tabs() {
  const list = $("[role=tablist]");
  list.hidden = inputs.length < 2;
  for (const [index, input] of inputs.entries()) {
    input.tab = element("button", input.label, list);
    input.tab.type = "button";
    input.tab.setAttribute("role", "tab");
    input.tab.setAttribute("aria-controls", "stage");
    input.tab.onclick = () => choose(input);
    input.tab.onkeydown = ({ key }) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[key];
      if (!step) return;
      const next = inputs[(index + step + inputs.length) % inputs.length];
      choose(next);
      next.tab.focus();
    };
  }
}

run(noise(0));
const firstAnswer = performance.now(); // milliseconds after the navigation started
$("h1").textContent = model.title;
$("#about").textContent = model.about;
$("#result").hidden = !headed && model.signal?.kind !== "image";
const inputs = ways();
tabs();
$("#clear").onclick = () => chosen.clear();
choose(inputs[0]);
const proven = prove();
$("#proof").textContent = proven
  ? "Checked in this browser: it answers as the original. Nothing you give leaves this page."
  : "This browser answers otherwise than the original did when the page was made. Do not trust what it shows.";
$("#proof").classList.toggle("wrong", !proven);
costs(0);
setTimeout(() => {
  time(50); // so that the browser compiles it well
  costs(time(50));
}, 300);
window.smidgen = { run, firstAnswer, proven, choose, inputs, get last() { return last; } };
