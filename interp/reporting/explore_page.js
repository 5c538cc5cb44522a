// Unpacks library and data once the page stands, and gives the data to `explore` as a source.
async function unpacked(id) {
  const bytes = Uint8Array.from(atob(document.getElementById(id).textContent), (letter) => letter.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
}

function packedRun(run) {
  const ranks = Object.fromEntries(Object.entries(run.ranks).map(([name, of]) =>
    [name, { ...of, bytes: Uint8Array.from(atob(of.ranks), (letter) => letter.charCodeAt(0)) }]));
  return {
    ...run,
    statuses: [...new Set(run.samples.map((sample) => sample.status))],
    cell: (of, layer, token) => run.cells[of]?.[layer]?.[token] ?? null,
    samples(of, layer, token) {
      const { layers, tokens, bytes, drawn, wrongest } = ranks[of];
      const cell = layers.indexOf(layer) < 0 || tokens.indexOf(token) < 0 ? -1 : layers.indexOf(layer) * tokens.length + tokens.indexOf(token);
      const known = new Map();
      for (let i = 0; i < drawn; i += 1) known.set(i, cell < 0 ? 255 : bytes[cell * drawn + i]);
      for (const [i, rank] of wrongest[cell] ?? []) known.set(i, rank);
      return [...known].map(([i, rank]) => ({ ...run.samples[i], percent: rank === 255 ? null : rank / 2.5 }));
    },
  };
}

async function start() {
  const root = document.getElementById("explore");
  if (typeof DecompressionStream === "undefined") {
    root.querySelector('[data-part="state"]').textContent = "This browser cannot unpack the linked grids (no DecompressionStream: Chrome 80, Firefox 113, Safari 16.4 or newer can). Every number of them stands in grid.csv.";
    return;
  }
  const [library, data] = await Promise.all([unpacked("vega"), unpacked("explore-data")]);
  document.head.append(Object.assign(document.createElement("script"), { textContent: library }));
  const { axes, runs, specs } = JSON.parse(data);
  await explore(root, { axes, runs: runs.map(packedRun) }, specs, { embed: window.vegaEmbed });
}

requestAnimationFrame(() => setTimeout(start)); // what stands in the page is painted first
