// The linked grids: one state (run, grid, beside, cell, filter), drawn anew wherever it changes, kept in the address.
// `source`: {axes, runs: [{name, grids, baselines, roles, start, listed, coloured, statuses, cell(of, layer, token),
// samples(of, layer, token, filter)}]}; `cell` and `samples` may be promises, and `samples` may leave out what does not
// pass the filter. `specs`: the charts, in Vega-Lite; `first`: the state to begin with.
// `onCell(run, layer, token)` is told of every choice; `address`: whether the fragment follows.
async function explore(root, source, specs, { embed, onCell = () => {}, address = true, first = {} }) {
  const part = (name) => root.querySelector(`[data-part="${name}"]`);
  const tell = (name, text) => { part(name).textContent = seen(text); };
  const views = {};
  let state = { run: "", grid: "", beside: "", layer: "", token: "", label: "", status: "", text: "", ...first };
  let shown = STEP;
  let turn = 0;

  const runOf = (name) => source.runs.find((run) => run.name === name) || source.runs[0];
  const gridOf = (run, name) => run.grids.find((grid) => grid.name === name) || run.grids[0];
  const besideOf = (text) => {
    const [name, grid] = text.split(/:(.*)/s);
    const run = source.runs[Number(name)];
    return text && run ? { run, grid: gridOf(run, grid) } : null;
  };

  function fill(name, groups) {
    part(name).replaceChildren(...groups.map(([title, options]) => {
      const entries = options.map(([value, words]) => new Option(seen(words), value));
      if (!title) return entries;
      const group = Object.assign(document.createElement("optgroup"), { label: title });
      group.append(...entries);
      return [group];
    }).flat());
  }

  async function draw(name, spec, rows, signals = {}) {
    const where = part(name);
    if (!views[name] || spec !== views[name].spec) {
      if (views[name]) views[name].result.finalize();
      const whole = structuredClone(spec);
      if (!where.hasAttribute("role")) Object.assign(where, { role: "img", ariaLabel: spec.description });
      whole.data = { ...whole.data, values: rows };
      const result = await embed(where, whole, { mode: "vega-lite", renderer: "svg", actions: false, ast: true, defaultStyle: false });
      views[name] = { spec, result };
    } else views[name].result.view.data("rows", rows);
    for (const [signal, value] of Object.entries(signals)) views[name].result.view.signal(signal, value);
    await views[name].result.view.runAsync();
    return views[name].result.view;
  }

  const heatSpecs = new Map();
  function heatSpec(grid, other) {
    const key = `${grid.name} ${grid.scale.domain} ${other ? `${other.name} ${other.scale.domain} ${other.layers} ${other.tokens}` : ""} ${grid.layers} ${grid.tokens}`;
    if (!heatSpecs.has(key)) {
      const spec = structuredClone(specs.heat);
      const both = other && other.unit === grid.unit ? [...grid.scale.domain, ...other.scale.domain] : grid.scale.domain;
      spec.layer[0].encoding.color.scale = { ...grid.scale, domain: [Math.min(...both), Math.max(...both)] };
      const shared = other ? [grid, other] : [grid];
      if (other) spec.width = { step: 26 }; // two stand side by side
      spec.encoding.x.scale = { domain: union(shared, "tokens") };
      spec.encoding.y.scale = { domain: union(shared, "layers") };
      heatSpecs.set(key, spec);
    }
    return heatSpecs.get(key);
  }

  async function drawHeat(name, run, grid, other) {
    const view = await draw(name, heatSpec(grid, other), heatRows(grid), { layer: state.layer, token: state.token });
    tell(`${name}-name`, source.runs.length > 1 ? `${grid.title} (${run.name})` : grid.title);
    if (view.clickable) return;
    view.clickable = true;
    view.addEventListener("click", (_, item) => {
      if (item && item.datum && item.datum.layer !== undefined) change({ layer: item.datum.layer, token: item.datum.token });
    });
  }

  // Whose scores stand behind the cell: each grid that has some, once, under its own name.
  function seriesOf(run, grid, beside) {
    const all = beside ? [{ run, of: grid.of[0] }, { run: beside.run, of: beside.grid.of[0] }] : grid.of.map((of) => ({ run, of }));
    const several = source.runs.length > 1 && beside && beside.run !== run;
    return all
      .filter((one, i) => !i || one.run !== all[0].run || one.of !== all[0].of)
      .map((one) => ({ ...one, name: seen(`${gridOf(one.run, `${one.of}_auc`).title}${several ? ` (${one.run.name})` : ""}`) }));
  }

  async function drawCell(run, grid, beside, mine) {
    const { layer, token } = state;
    const series = seriesOf(run, grid, beside);
    const cells = await Promise.all(series.map((one) => one.run.cell(one.of, layer, token)));
    if (mine !== turn) return;
    tell("cell-name", `layer ${layer}, ${token}`);
    const told = [grid, ...(beside ? [beside.grid] : [])].map((one) => estimate(one, layer, token));
    tell("cell-numbers", `${[counts(grid, layer, token), ...told].filter(Boolean).join("; ")}.`);
    const drawn = beside && beside.grid.unit === grid.unit ? [[grid, "1"], [beside.grid, "2"]] : [[grid, "1"]];
    const marks = ["●", "◆"];
    part("series").replaceChildren(...(series.length > 1 ? series : []).map((one, i) => make("span", `${marks[i]} ${one.name} `, `series${i}`)));
    tell("profiled", drawn.length > 1 ? `● ${grid.title}, ◆ ${beside.grid.title}.`
      : beside ? `Profiles of ${grid.title} alone: the grid beside it is in another unit.` : "");
    const known = series.map((one, i) => [one, cells[i]]).filter(([, cell]) => cell);
    const controls = controlRows(run, layer, token);
    tell("undefined", controls.undefined.length
      ? `Undefined here: ${controls.undefined.map((row) => `${row.title} (${row.reason || "no sample"})`).join("; ")}.` : "");
    for (const [i, name] of ["scores", "scores2"].entries()) {
      const one = known[i];
      if (i) part("scores2-figure").hidden = !one;
      tell(`${name}-name`, one ? (series.length > 1 ? `(${one[0].name})` : "") : "– undefined here");
      if (one || !i) await draw(name, specs.scores, one ? scoreRows(one[1], source.axes) : []);
    }
    await draw("roc", specs.roc, known.flatMap(([one, cell]) => rocRows(cell, one.name, source.axes)));
    await draw("calibration", specs.calibration, known.flatMap(([one, cell]) => calibrationRows(cell, one.name)));
    for (const [name, field] of [["layers", "layer"], ["tokens", "token"]]) {
      await draw(name, specs[name], profiles(drawn, field, layer, token));
    }
    await draw("controls", specs.controls, controls.rows);
  }

  async function drawSamples(run, grid, mine) {
    const all = await run.samples(grid.of[0], state.layer, state.token, state);
    if (mine !== turn) return;
    const found = ordered(all, state);
    part("samples").replaceChildren(...found.slice(0, shown).map((sample) => sampleRow(sample, run.roles, state.token)));
    tell("found", `${found.length} of ${all.length} listed samples; ${Math.min(shown, found.length)} shown.`);
    part("more").hidden = found.length <= shown;
    tell("listed", run.listed);
    tell("coloured", run.coloured.join(" "));
  }

  async function show() {
    const mine = (turn += 1);
    const run = runOf(state.run);
    const grid = gridOf(run, state.grid);
    const beside = besideOf(state.beside);
    if (!grid.layers.includes(state.layer) || !grid.tokens.includes(state.token)) {
      [state.layer, state.token] = run.start || [grid.layers[0], grid.tokens[0]];
    }
    fill("grid", [["", run.grids.map((one) => [one.name, one.title])]]);
    fill("status", [["", [["", "all"], ...run.statuses.map((status) => [status, status])]]]);
    part("run").value = run.name;
    part("grid").value = grid.name;
    for (const name of ["beside", "label", "status", "text"]) if (part(name).value !== state[name]) part(name).value = state[name];
    part("heat2-figure").hidden = !beside;
    await drawHeat("heat", run, grid, beside && beside.grid);
    if (beside) await drawHeat("heat2", beside.run, beside.grid, grid);
    await drawCell(run, grid, beside, mine);
    if (mine === turn) await drawSamples(run, grid, mine);
    if (mine === turn) root.dataset.drawn = String(turn);
  }

  let queue = Promise.resolve();
  const again = () => (queue = queue.then(show));

  function change(some, push = true) {
    state = { ...state, ...some };
    shown = STEP;
    if (address) history[push ? "pushState" : "replaceState"](null, "", writeAddress(state));
    onCell(state.run, state.layer, state.token);
    return again();
  }

  function move(event, heat) {
    const run = runOf(state.run);
    const grid = heat === "heat2" ? besideOf(state.beside).grid : gridOf(run, state.grid);
    const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
    const step = steps[event.key];
    if (!step || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const clip = (value, list) => list[Math.max(0, Math.min(list.length - 1, value))];
    change({
      layer: clip(grid.layers.indexOf(state.layer) + step[0], grid.layers),
      token: clip(grid.tokens.indexOf(state.token) + step[1], grid.tokens),
    });
  }

  fill("run", [["", source.runs.map((run) => [run.name, run.name])]]);
  part("run-label").hidden = source.runs.length < 2;
  fill("beside", [["", [["", "nothing"]]], ...source.runs.map((run, i) =>
    [source.runs.length > 1 ? run.name : "", run.grids.map((grid) => [`${i}:${grid.name}`, grid.title])])]);
  for (const name of ["run", "grid", "beside", "label", "status"]) {
    part(name).addEventListener("change", (event) => change({ [name]: event.target.value }));
  }
  part("text").addEventListener("input", (event) => change({ text: event.target.value }, false));
  part("more").addEventListener("click", () => { shown += STEP; again(); });
  part("highest").addEventListener("click", () => {
    const grid = gridOf(runOf(state.run), state.grid);
    const cells = heatRows(grid).filter((row) => row.value !== null && row.layer !== "embed");
    if (cells.length) {
      const { layer, token } = cells.reduce((best, row) => (row.value > best.value ? row : best));
      change({ layer, token });
    }
  });
  for (const heat of ["heat", "heat2"]) part(heat).addEventListener("keydown", (event) => move(event, heat));
  const restored = () => { const read = readAddress(location.hash); if (read) { state = { ...state, ...read }; shown = STEP; again(); } };
  if (address) window.addEventListener("popstate", restored);
  if (address) state = { ...state, ...(readAddress(location.hash) || {}) };
  part("panel").hidden = false;
  part("state").hidden = true;
  await again();
  return { change };
}
