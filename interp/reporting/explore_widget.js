// The linked grids in a notebook: grids come with the widget, a cell and its samples are asked of Python when chosen.
function asking(model) {
  const waiting = new Map();
  const own = `${Date.now()} ${Math.random()} `; // several views of one widget hear each other's answers
  let number = 0;
  model.on("msg:custom", (message) => {
    const answer = waiting.get(message.id);
    if (!answer) return;
    waiting.delete(message.id);
    if (message.error) answer.reject(new Error(message.error));
    else answer.resolve(message.found);
  });
  return (question) => new Promise((resolve, reject) => {
    number += 1;
    waiting.set(own + number, { resolve, reject });
    model.send({ ...question, id: own + number });
  });
}

async function render({ model, el }) {
  const { axes, specs, runs, panel } = model.get("view");
  const ask = asking(model);
  const root = document.createElement("div");
  root.className = "interp-explore";
  root.innerHTML = panel; // a template of the package, without any text of the data
  el.append(root);
  const asked = runs.map((run) => ({
    ...run,
    cell: (of, layer, token) => ask({ what: "cell", run: run.name, of, layer, token }),
    samples: (of, layer, token, { label, status, text }) => ask({ what: "samples", run: run.name, of, layer, token, label, status, text }),
  }));
  const same = (a, b) => a.run === b.run && a.layer === b.layer && a.token === b.token;
  const onCell = (run, layer, token) => {
    const chosen = { run: run || runs[0].name, layer, token };
    if (same(chosen, model.get("chosen"))) return;
    model.set("chosen", chosen);
    model.save_changes();
  };
  const { change } = await explore(root, { axes, runs: asked }, specs, { embed: globalThis.vegaEmbed, onCell, address: false, first: model.get("chosen") });
  const follow = () => change(model.get("chosen"));
  model.on("change:chosen", follow);
  return () => model.off("change:chosen", follow);
}

export default { render };
