// What the page shows, as the fragment of its address: #cell=11,-1&grid=probe_auc&run=first&beside=…&label=wrong
const FIELDS = ["run", "grid", "beside", "label", "status", "text"];

function readAddress(hash) {
  const given = new URLSearchParams(hash.replace(/^#/, ""));
  if (!given.has("cell") && !FIELDS.some((name) => given.has(name))) return null; // a heading's own address
  const state = Object.fromEntries(FIELDS.map((name) => [name, given.get(name) || ""]));
  const [, layer, token] = /^([^,]*),(.*)$/s.exec(given.get("cell") || "") || [null, "", ""];
  return { ...state, layer, token };
}

function writeAddress(state) {
  const out = new URLSearchParams();
  if (state.layer !== "") out.set("cell", `${state.layer},${state.token}`);
  for (const name of FIELDS) if (state[name]) out.set(name, state[name]);
  return `#${out}`;
}
