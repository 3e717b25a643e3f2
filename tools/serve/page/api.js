// What the server is asked for. A refusal becomes an Error with the server's own line and `status`.

async function ask(url, options) {
  const answer = await fetch(url, options);
  if (answer.ok) return answer;
  const said = await answer.json().catch(() => ({}));
  throw Object.assign(new Error(said.error ?? `the server answered ${answer.status}`), { status: answer.status });
}

export const about = async () => (await ask("/about")).json();
export const example = async (number, signal) => (await ask(`/examples/${number}`, { signal })).arrayBuffer();
export const classify = async (bytes, signal) => (await ask("/classify", { method: "POST", body: bytes, signal })).json();
export const waveform = async (bytes, signal) => (await ask("/waveform", { method: "POST", body: bytes, signal })).arrayBuffer();
