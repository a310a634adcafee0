// What somebody chose, in order of time: items found by their names. The model gets their numbers from 1 on.

const { items } = model.answer;
const FOUND = 8; // items that a search shows
$("#stage").innerHTML = `
<div id="picks">
<input id="search" type="search" placeholder="Search ${items.length} items" aria-label="Search" autocomplete="off">
<ul id="found" aria-label="Found"></ul>
<ol id="chosen" aria-label="Chosen"></ol>
</div>`;

function ways() {
  const plain = items.map((name) => name.toLowerCase());
  let picked = [];

  function search() {
    const words = $("#search").value.toLowerCase().split(/\s+/).filter(Boolean);
    const matches = [];
    for (let at = 0; at < items.length && matches.length < FOUND && words.length; at++) {
      if (!picked.includes(at) && words.every((word) => plain[at].includes(word))) matches.push(at);
    }
    $("#found").replaceChildren(...matches.map((at) => button(at, "+", () => pick(at))));
  }

  function button(at, sign, act) {
    const line = element("li");
    const made = element("button", `${sign} ${items[at]}`, line);
    made.type = "button";
    made.onclick = act;
    return line;
  }

  function pick(at) {
    picked = [...picked, at];
    $("#search").value = "";
    $("#search").focus();
    answer();
  }

  /** The newest choices, as many as the model takes; nobody's choices give what is popular. */
  function answer() {
    search();
    const drop = (at) => () => ((picked = picked.filter((other) => other !== at)), answer());
    $("#chosen").replaceChildren(...picked.map((at) => button(at, "×", drop(at))));
    const history = new Int32Array(model.input.count);
    const newest = picked.slice(-history.length).map((at) => at + 1);
    history.set(newest, history.length - newest.length); // none stands before all others
    show(history);
  }
  $("#search").oninput = search;
  $("#search").onkeydown = ({ key }) => key === "Enter" && $("#found button")?.click();
  const clear = () => ((picked = []), ($("#search").value = ""), answer());
  return [{ label: "Items", part: $("#picks"), tools: ["#clear"], start: answer, clear }];
}
