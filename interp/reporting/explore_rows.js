// The rows of every chart, from a run's grids and from what is known of one cell; all by the labels of layer and token.
const number = (value, digits = 2) => (value === null || value === undefined ? "–" : value.toFixed(digits).replace("-", "−"));
const digits = (grid, value = 0) => (grid.unit !== "value" && grid.unit !== "rank" ? 2 : Math.abs(value) < 100 ? 1 : 0);

function at(grid, name, layer, token) {
  const row = grid.layers.indexOf(layer);
  const column = grid.tokens.indexOf(token);
  return row < 0 || column < 0 || !grid[name] ? undefined : grid[name][row][column];
}

function estimate(grid, layer, token) {
  const value = at(grid, "value", layer, token);
  if (value === undefined) return `${grid.title}: no such cell`;
  if (value === null) return `${grid.title}: undefined (${at(grid, "reason", layer, token) || "no sample"})`;
  const low = at(grid, "low", layer, token);
  const interval = low === undefined || low === null ? "" : ` [${number(low)}, ${number(at(grid, "high", layer, token))}]`;
  const tests = [["q", "q"], ["p_corrected", "corrected p"]]
    .map(([name, words]) => [words, at(grid, name, layer, token)])
    .filter(([, p]) => p !== undefined && p !== null)
    .map(([words, p]) => `, ${words} = ${p < 0.001 ? p.toExponential(0) : p.toFixed(3)}`);
  return `${grid.title} ${number(value, digits(grid, value))}${interval}${tests.join("")}`;
}

function counts(grid, layer, token) {
  const n = at(grid, "n", layer, token);
  return n === undefined || n === null ? "" : `${n} samples, ${at(grid, "n_correct", layer, token) ?? "–"} correct`;
}

const inCell = (value, places) => (Math.abs(value) >= 1000 ? `${(value / 1000).toFixed(1)}k` : places < 2 ? value.toFixed(places) : value.toFixed(places).replace(/^0\./, "."));

function heatRows(grid) {
  return grid.layers.flatMap((layer) => grid.tokens.map((token) => {
    const value = at(grid, "value", layer, token);
    const q = at(grid, "q", layer, token);
    const sign = grid.unit === "difference" && value !== null ? (value > 0 ? "+" : value < 0 ? "−" : "") : "";
    const size = value === null ? "" : inCell(sign ? Math.abs(value) : value, digits(grid, value));
    const told = `layer ${layer}, ${token}. ${estimate(grid, layer, token)}`;
    const mark = grid.unit === "difference" && q !== undefined && q !== null && q < 0.05 ? "*" : "";
    const below = grid.unit === "auc" && value !== null && value < 0.5 ? "▾" : ""; // the scale has no colour for it
    return { layer, token, value, shown: `${below}${sign}${size}${mark}`, told };
  }));
}

function scoreRows(cell, axes) {
  return ["right", "wrong"].flatMap((label) => {
    const total = cell[label].reduce((sum, n) => sum + n, 0);
    const bins = cell[label].map((n, i) => ({ label, left: axes.edges[i], share: n / total }));
    return [...bins, { ...bins.at(-1), left: axes.edges.at(-1), share: 0 }];
  });
}

function rocRows(cell, series, axes) {
  return axes.rates.map((rate, i) => ({
    series, rate, recall: cell.recall[i] / 1000, low: cell.low[i] / 1000, high: cell.high[i] / 1000,
  }));
}

function calibrationRows(cell, series) {
  return cell.calibration.map(([predicted, observed, low, high, n]) => ({
    series, predicted: predicted / 1000, observed: observed / 1000, low: low / 1000, high: high / 1000, n,
  }));
}

function profileRows(grid, series, field, layer, token) {
  const labels = field === "layer" ? grid.layers : grid.tokens;
  return labels.map((label) => {
    const place = field === "layer" ? [label, token] : [layer, label];
    const value = at(grid, "value", ...place);
    return {
      series, [field]: label, value, low: at(grid, "low", ...place) ?? value, high: at(grid, "high", ...place) ?? value,
      chosen: label === (field === "layer" ? layer : token), told: `${label}: ${estimate(grid, ...place)}`,
    };
  }).filter((row) => row.value !== undefined && row.value !== null);
}

// Of several grids on one axis; in its order, whichever of them lack a place.
function profiles(grids, field, layer, token) {
  const rows = grids.flatMap(([grid, series]) => profileRows(grid, series, field, layer, token));
  const order = union(grids.map(([grid]) => grid), `${field}s`);
  return rows.sort((a, b) => order.indexOf(a[field]) - order.indexOf(b[field]));
}

function union(grids, name) {
  const labels = [...new Set(grids.flatMap((grid) => grid[name]))];
  return name === "layers" ? labels.sort((a, b) => (a === "embed" ? -1 : b === "embed" ? 1 : a - b)) : labels;
}

// Every AUC of this cell, of the embedding at this token, and of what reads no layer.
function controlRows(run, layer, token) {
  const own = run.grids.filter((grid) => grid.unit === "auc" && at(grid, "value", layer, token) !== undefined);
  const rows = own.map((grid) => ({ title: grid.title, place: [grid, layer, token] }));
  if (layer !== "embed") {
    for (const grid of own.filter((one) => one.layers.includes("embed"))) {
      rows.push({ title: `${grid.title}, embedding row`, place: [grid, "embed", token] });
    }
  }
  const cells = rows.map(({ title, place }) => ({
    title, value: at(place[0], "value", ...place.slice(1)), low: at(place[0], "low", ...place.slice(1)),
    high: at(place[0], "high", ...place.slice(1)), reason: at(place[0], "reason", ...place.slice(1)),
  }));
  const others = run.baselines.filter((one) => one.token === "all" || one.token === token);
  const all = [...cells, ...others].map((row) => ({
    ...row, low: row.low ?? row.value, high: row.high ?? row.value,
    told: `${number(row.value)} [${number(row.low)}, ${number(row.high)}]`,
  }));
  return { rows: all.filter((row) => row.value !== null), undefined: all.filter((row) => row.value === null) };
}
