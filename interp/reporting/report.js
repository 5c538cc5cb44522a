// Shows the samples behind the cell that was chosen in the table of cells; the address names it: #cell=11,-1.
"use strict";
const data = JSON.parse(document.getElementById("cell-data").textContent);
const element = (tag, text, name) => Object.assign(document.createElement(tag), { textContent: text, className: name || "" });

function show(row, column) {
  const cell = data.cells[row][column];
  document.getElementById("cell-name").textContent = `layer ${cell.layer}, ${cell.token}`;
  document.getElementById("cell-numbers").textContent = cell.numbers.join("; ") + ".";
  for (const [name, ranked] of Object.entries(cell.lists)) {
    const body = document.querySelector(`tbody[data-list="${name}"]`);
    body.replaceChildren();
    for (const [index, percent] of ranked) {
      const sample = data.samples[index];
      const text = element("td", "", "text");
      for (const [marked, stretches] of sample.pieces) {
        const part = marked ? element("mark", "") : document.createDocumentFragment();
        for (const [piece, shade] of stretches) part.append(shade ? element("span", piece, (shade > 0 ? "p" : "m") + Math.abs(shade)) : piece);
        if (stretches.length) text.append(part);
      }
      const line = document.createElement("tr");
      line.append(
        element("td", sample.id),
        element("td", `${percent.toFixed(0)} %`, "n"),
        element("td", sample.correct ? "correct" : "wrong", sample.correct ? "ok" : "no"),
        element("td", sample.question, "text"),
        text,
      );
      body.append(line);
    }
    if (!ranked.length) body.append(element("tr")), body.lastChild.append(Object.assign(element("td", "none"), { colSpan: 5 }));
  }
  for (const other of document.querySelectorAll("table.cells a")) other.removeAttribute("aria-current");
  document.querySelector(`table.cells a[data-row="${row}"][data-column="${column}"]`).setAttribute("aria-current", "true");
}

function fromAddress() {
  const [layer, token] = decodeURIComponent(location.hash).replace("#cell=", "").split(/,(.*)/s);
  data.cells.forEach((cells, row) => cells.forEach((cell, column) => {
    if (String(cell.layer) === layer && cell.token === token) show(row, column);
  }));
}

window.addEventListener("hashchange", fromAddress);
fromAddress();
