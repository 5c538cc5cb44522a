// The samples behind a cell: filtered, the most wrongly scored first, their tokens coloured. Text only ever becomes text.
const LABELS = { 1: ["right", "correct", "ok"], 0: ["wrong", "wrong", "no"], null: ["none", "no label", ""] };
const STEP = 20;

// What could turn, hide or move the text around it is written out, as Python writes it (`interp.errors.UNSEEN`).
const UNSEEN = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]/gu;

function seen(text) {
  return text.replace(UNSEEN, (character) => {
    const code = character.charCodeAt(0);
    return code < 256 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u${code.toString(16).padStart(4, "0")}`;
  });
}

function make(tag, text, name) {
  const out = document.createElement(tag);
  if (text !== undefined) out.textContent = seen(text);
  if (name) out.className = name;
  return out;
}

function family(role) {
  if (/^exact_answer/.test(role)) return "of-exact";
  if (/_answer$/.test(role)) return "of-begin";
  return /^-\d+$/.test(role) ? "of-end" : "of-own";
}

function plain(sample) {
  return sample.pieces.map((piece) => (piece === null ? " … " : typeof piece === "string" ? piece : piece[0])).join("");
}

function wanted(sample, state) {
  if (state.label && LABELS[sample.label][0] !== state.label) return false;
  if (state.status && sample.status !== state.status) return false;
  const text = state.text.toLowerCase();
  return !text || [sample.id, sample.question, plain(sample)].some((part) => part.toLowerCase().includes(text));
}

// By how wrong the rank is; those that the cell does not score come last.
const wrongness = (sample) => (sample.percent === null || sample.label === null ? -1 : sample.label ? 100 - sample.percent : sample.percent);

function ordered(samples, state) {
  return samples.filter((sample) => wanted(sample, state)).sort((a, b) => wrongness(b) - wrongness(a) || (a.id < b.id ? -1 : 1));
}

function completion(sample, roles, token) {
  const out = make("td", undefined, "text");
  out.dataset.label = "Completion";
  for (const piece of sample.pieces) {
    if (piece === null) out.append(make("em", " [shortened] ", "soft"));
    else if (typeof piece === "string") out.append(seen(piece));
    else {
      const [text, exact, shade, own] = piece;
      const names = own.map((i) => roles[i]);
      const part = make(exact ? "mark" : "span", text);
      if (shade) part.classList.add((shade > 0 ? "p" : "m") + Math.abs(shade));
      if (names.length) {
        part.classList.add("role", family(names.includes(token) ? token : names[0]));
        part.title = seen(names.join(", "));
      }
      if (names.includes(token)) part.classList.add("here");
      out.append(part);
    }
  }
  return out;
}

function sampleRow(sample, roles, token) {
  const [, said, style] = LABELS[sample.label];
  const here = roles.indexOf(token) < 0 ? null : sample.tokens[roles.indexOf(token)];
  const cells = [
    ["Sample", sample.id, ""],
    ["Rank", sample.percent === null ? `– (${sample.status})` : `${sample.percent.toFixed(0)} %`, "n"],
    ["Answer is", said, style],
    ["Question", sample.question, "text"],
  ].map(([label, text, name]) => Object.assign(make("td", text, name), { label }));
  for (const cell of cells) cell.dataset.label = cell.label;
  const last = make("td", here === null ? "–" : JSON.stringify(here), "text token");
  last.dataset.label = "Token here";
  const row = document.createElement("tr");
  row.append(...cells, completion(sample, roles, token), last);
  return row;
}
