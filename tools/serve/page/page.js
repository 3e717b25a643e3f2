// The page: where songs come from, what is said meanwhile, and the keys.

import * as api from "/api.js";
import { Player } from "/player.js";
import { Recorder } from "/recorder.js";
import { View } from "/view.js";
import { toWav } from "/wav.js";

const $ = (id) => document.getElementById(id);
const player = new Player();
const recorder = new Recorder();
let server; // what it says of itself
let view;
let request = new AbortController(); // the newest song's; an older one's answer is no longer wanted

function say(text, error = false) {
  $("status").textContent = text;
  $("status").classList.toggle("error", error);
}

// Classify the bytes that `fetchBytes` brings and show them, unless another song is chosen meanwhile.
async function open(name, fetchBytes, truth) {
  request.abort();
  request = new AbortController();
  const { signal } = request;
  player.pause();
  say(`Listening to ${name} …`);
  try {
    const bytes = await fetchBytes(signal);
    const { song, buffer } = await listen(bytes, signal);
    if (signal.aborted) return;
    player.load(buffer);
    view.show(song, name, truth);
    say(`${name}: ${song.decision}`);
  } catch (error) {
    if (!signal.aborted) say(`${name}: ${error.message}`, true);
  }
}

// The verdict on a song, and the song to be heard. What the server can't read, this browser may, and the other way round.
async function listen(bytes, signal) {
  if (bytes.byteLength > server.megabytes * 1e6) throw new Error(`too large: a file may have ${server.megabytes} MB here`);
  const heard = player.decode(bytes.slice(0)).catch(() => null);
  try {
    const song = await api.classify(bytes, signal);
    return { song, buffer: (await heard) ?? (await player.decode(await api.waveform(bytes, signal))) };
  } catch (error) {
    const buffer = await heard;
    if (error.status !== 415 || !buffer) throw error;
    return { song: await api.classify(toWav(buffer), signal), buffer };
  }
}

function openFile(file) {
  if (file) open(file.name, () => file.arrayBuffer());
}

function listenToDrops() {
  const over = (on) => $("drop").classList.toggle("over", on);
  addEventListener("dragover", (event) => {
    event.preventDefault();
    over(true);
  });
  addEventListener("dragleave", () => over(false));
  addEventListener("drop", (event) => {
    event.preventDefault();
    over(false);
    openFile(event.dataTransfer.files[0]);
  });
  $("file").onchange = () => {
    openFile($("file").files[0]);
    $("file").value = ""; // so that the same file can be chosen again
  };
}

async function record() {
  if (recorder.recording) return recorder.stop();
  const button = $("record");
  let timer;
  try {
    const bytes = await recorder.record(() => {
      const begun = Date.now();
      const show = () => (button.textContent = `■ Stop (${Math.floor((Date.now() - begun) / 1000)} s)`);
      button.classList.add("recording");
      show();
      timer = setInterval(show, 250);
      say("Recording: a minute at most, 30 seconds are what the net is used to.");
    });
    const buffer = await player.decode(bytes);
    open("Your recording", async () => toWav(buffer));
  } catch (error) {
    say(`No recording: ${error.message}`, true);
  } finally {
    clearInterval(timer);
    button.classList.remove("recording");
    button.textContent = "● Record";
  }
}

function offerExamples({ examples, note }) {
  $("examples").hidden = examples.length === 0;
  $("note").textContent = note && `${note[0].toUpperCase()}${note.slice(1)}.`;
  const options = examples.map(({ track }, number) => new Option(track, number));
  $("example").replaceChildren(...options);
  $("try").onclick = () => {
    const number = Number($("example").value);
    const { track, genre } = examples[number];
    open(track, (signal) => api.example(number, signal), genre);
  };
}

const KEYS = {
  " ": () => view.toggle(),
  ArrowLeft: () => view.step(-1),
  ArrowRight: () => view.step(1),
  Home: () => view.goTo(0),
  End: () => view.goTo(Infinity),
  "[": () => view.selectFrom(),
  "]": () => view.selectTo(),
  Escape: () => view.clear(),
};

function listenToKeys() {
  addEventListener("keydown", (event) => {
    if (!view?.shown || event.ctrlKey || event.altKey || event.metaKey) return;
    const { target } = event;
    // A control's own keys come first; a clip's button is the song's own.
    const own = target.matches("input, select") || (event.key === " " && target.matches("button") && !target.matches("#clips button"));
    if (own && event.key !== "Escape" && event.key !== "[" && event.key !== "]") return;
    const action = KEYS[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });
}

async function begin() {
  try {
    server = await api.about();
  } catch (error) {
    return say(`The server does not answer: ${error.message}`, true);
  }
  $("model").textContent = `Model: ${server.model}`;
  $("limits").textContent = `wav, flac, mp3, ogg, m4a …, up to ${server.megabytes} MB and ${server.minutes} minutes. It goes to this server alone and is not kept.`;
  view = new View(player, server.genres);
  offerExamples(server);
  listenToDrops();
  listenToKeys();
  $("record").onclick = record;
  document.body.dataset.ready = "true";
}

begin();
