/* The page that checks a receipt: takes the files, shows the verdict in words. What it proves is judged in receipt.js. */

import { checkAnswer, disclosed } from "./disclosure.js";
import { Unverifiable, canonicalObject, filled, isAble } from "./receipt.js";
import { textOf, unbase64, verifierOfVkey, verifyReceipt } from "./receipt.js";

const byId = (id) => document.getElementById(id);
const facts = JSON.parse(byId("checker").dataset.facts);
const given = { receipt: null, disclosures: null, answer: null };
const NOT_CHECKED = { code: "not-checked", detail: "This browser could not finish the check." };
const MOST_BYTES = 16 * 1024 * 1024;
let turn = 0;
const moments = new Intl.DateTimeFormat(document.documentElement.lang, {
  dateStyle: "long", timeStyle: "long", timeZone: "UTC",
});

// Keys: those that this page brings along, or, once somebody pastes others, those alone.

function pastedLines() {
  return byId("keys").value.split("\n").map((line) => line.trim()).filter((line) => line !== "");
}

async function trusted() {
  const pasted = await Promise.all(pastedLines().map(verifierOfVkey));
  if (pasted.length) return () => pasted;
  return async (origin) => {
    const own = facts.keys.filter((vkey) => vkey.startsWith(`${origin}+`)); // a retired key is that of closed logs alone
    return Promise.all([...own, ...facts.witnesses].map(verifierOfVkey));
  };
}

// Verdict

async function judged() {
  const verifiersOf = await trusted();
  const receipt = await verifyReceipt(given.receipt, verifiersOf);
  const leaf = leafOf(receipt);
  const details = given.disclosures ? await disclosed(leaf, given.disclosures) : [];
  if (given.answer) await checkAnswer(details, given.answer);
  return { ...receipt, leaf, details };
}

function leafOf({ leaf, index, checkpoint }) {
  const found = canonicalObject(textOf(leaf) ?? "");
  if (found.log !== checkpoint.origin || found.number !== Number(index)) {
    throw new Unverifiable("leaf-elsewhere", "The entry speaks of another log or number than the one where it stands.");
  }
  return found;
}

async function check() {
  turn += 1;
  const mine = turn;
  show([], []); // an old verdict must not stand beside a new file
  if (!given.receipt) return;
  let [verdict, more] = [[], []];
  try {
    const found = await judged();
    [verdict, more] = [accepted(found), explained(found)];
  } catch (error) {
    verdict = refused(error instanceof Unverifiable ? error : NOT_CHECKED);
  }
  if (mine !== turn) return; // a later file was quicker
  show(verdict, more);
  byId("verdict").scrollIntoView({ block: "nearest" });
}

function show(verdict, more) {
  byId("verdict").replaceChildren(...verdict);
  byId("said").replaceChildren(...more);
}

// Words: those of the page, by their English, which stands where the page has no other

function said(text, values = {}) {
  return filled(Object.hasOwn(facts.texts, text) ? facts.texts[text] : text, values);
}

function element(tag, content, className = "") {
  const made = document.createElement(tag);
  made.append(...[content].flat());
  if (className) made.className = className;
  return made;
}

function refused({ code, detail, values }) {
  const words = [element("h2", said("Not verified")), element("p", said(detail, values))];
  const box = element("div", words, "error-summary");
  box.append(element("p", [said("Do not rely on this receipt."), " ", small(code)]));
  return [box];
}

/** Return the plain word for a code; a code without one is shown as it is. */
function word(table, code) {
  return Object.hasOwn(facts[table], code) ? facts[table][code] : code;
}

/** Show a code as one, in small print. */
function small(code) {
  return element("small", element("code", String(code)));
}

/** Show the plain word for a code with the code behind it; nothing for what is not there. */
function coded(table, code) {
  if (code === undefined) return [];
  return Object.hasOwn(facts[table], code) ? [facts[table][code], " ", small(code)] : [small(code)];
}

function accepted({ leaf }) {
  const words = [element("p", sentence(leaf, String(word("events", leaf.event))))];
  const same = said("The answer that you gave is, byte for byte, the one that was released.");
  if (given.answer) words.push(element("p", same));
  return [element("div", [element("h2", said("Verified")), ...words], "banner")];
}

function explained({ leaf, index, checkpoint, details }) {
  const shown = [element("dl", rows(leaf, index, checkpoint).map(row), "summary")];
  if (details.length) {
    const rowsOfDetails = details.map(([name, value]) => row([word("details", name), opened(leaf, name, value)]));
    shown.push(element("h2", said("Details that belong to it")), element("dl", rowsOfDetails, "summary"));
  }
  shown.push(element("h2", said("Who vouches for it")), element("ul", vouchers(checkpoint)));
  return shown;
}

function sentence(leaf, what) {
  const owner = word("banks", leaf.log.split("/").at(-2));
  return said("“{what}” stands in the log of {owner}, with all of what is said below.", { what, owner });
}

function rows(leaf, index, checkpoint) {
  const reasons = Array.isArray(leaf.reasons) ? leaf.reasons : [];
  const place = { number: index, size: checkpoint.size };
  return [
    ["What", coded("events", leaf.event)],
    ["When", [timeWords(leaf.time)]],
    ["Who acted", coded("initiators", leaf.initiator)],
    ["How it ended", coded("decisions", leaf.decision)],
    ["App", bare(leaf.platform)],
    ["Kind of data", coded("categories", leaf.category)],
    ["What for", coded("purposes", leaf.purpose)],
    ["Why", reasons.flatMap((reason, at) => [at ? "; " : "", ...coded("reasons", reason)])],
    ["Records", leaf.records === undefined ? [] : [String(leaf.records)]],
    ["Person (pseudonym)", bare(leaf.subject)],
    ["Permission", bare(leaf.grant)],
    ["Reference", bare(leaf.interactionId)],
    ["Log", bare(checkpoint.origin)],
    ["Number in the log", [said("{number} (when this was signed, the log had {size} entries)", place)]],
  ].filter(([, content]) => content.length > 0);
}

function bare(value) {
  return value === undefined ? [] : [small(value)];
}

function row([term, content]) {
  return element("div", [element("dt", said(term)), element("dd", content)]);
}

/** Show one detail: fields and days in words, lists as lists, whatever has parts of its own folded. */
function opened(leaf, name, value) {
  if (Array.isArray(value) && value.every((one) => typeof one === "string")) {
    const labels = name === "fields" && Object.hasOwn(facts.fields, leaf.category) ? facts.fields[leaf.category] : {};
    return [value.map((one) => (Object.hasOwn(labels, one) ? labels[one] : one)).join(", ")];
  }
  if (typeof value !== "string") return [folded(value)];
  if (name === "window") return [spanWords(value)];
  return ["endpoint", "responseDigest"].includes(name) ? [small(value)] : [value];
}

function folded(value) {
  const written = element("pre", element("code", JSON.stringify(value, null, 1)));
  return element("details", [element("summary", said("Show it as it was written")), written]);
}

function spanWords(span) {
  const instants = span.split("/").map((instant) => Date.parse(instant));
  if (instants.length !== 2 || instants.some(Number.isNaN)) return span;
  const [first, last] = instants.map((instant) => timeWords(instant * 1_000));
  return said("{first} to {last}", { first, last });
}

function timeWords(microseconds) {
  const instant = new Date(microseconds / 1_000);
  return Number.isNaN(instant.getTime()) ? String(microseconds) : moments.format(instant);
}

function vouchers({ log, cosigners, unknown }) {
  const mine = said("The log itself, by the key that you pasted:");
  const ours = said("The log itself, by a key that this page brought along: compare it with your bank's:");
  const lines = [element("li", [pastedLines().length > 0 ? mine : ours, " ", element("code", log.vkey)])];
  for (const { name, time, vkey } of cosigners) {
    const seen = { name, moment: timeWords(Number(time) * 1_000_000) };
    const words = said("The witness {name}, who saw this state of the log on {moment}:", seen);
    lines.push(element("li", [words, " ", element("code", vkey)]));
  }
  for (const name of unknown) {
    lines.push(element("li", said("{name} has signed too, but no key of it is known here.", { name })));
  }
  return lines;
}

// Files, and receipts as headers carry them

async function take(input) {
  const [file] = input.files;
  given[input.id] = null;
  show([], []); // reading may fail
  if (file) given[input.id] = new Uint8Array(await file.slice(0, MOST_BYTES).arrayBuffer());
  if (file && input.id === "receipt") given.receipt = unwrapped(given.receipt);
  await check();
}

/** Return a receipt's own bytes: headers carry it in base64url on one line, which no receipt itself looks like. */
function unwrapped(bytes) {
  const line = (textOf(bytes) ?? "").trim();
  if (!/^[A-Za-z0-9_-]+$/.test(line)) return bytes;
  const base64 = line.replaceAll("-", "+").replaceAll("_", "/");
  return unbase64(base64.padEnd(Math.ceil(base64.length / 4) * 4, "=")) ?? bytes;
}

/** Take a receipt that was pasted, or that stands behind the # of the address: no browser sends that part. */
async function takeText(text) {
  given.receipt = text.trim() === "" ? null : unwrapped(new TextEncoder().encode(text));
  await check();
}

function dropInto(zone) {
  zone.addEventListener("dragover", (event) => {
    event.preventDefault();
    zone.classList.add("over");
  });
  zone.addEventListener("dragleave", () => zone.classList.remove("over"));
  zone.addEventListener("drop", async (event) => {
    event.preventDefault();
    zone.classList.remove("over");
    const input = zone.querySelector("input");
    input.files = event.dataTransfer.files;
    await take(input);
  });
}

async function begin() {
  byId("without-script").hidden = true;
  if (!(await isAble())) {
    byId("not-able").hidden = false;
    return;
  }
  byId("checker").hidden = false;
  for (const input of document.querySelectorAll("#checker input[type=file]")) {
    input.addEventListener("change", () => take(input));
    dropInto(input.closest(".drop"));
  }
  byId("keys").addEventListener("input", check);
  byId("pasted").addEventListener("input", () => takeText(byId("pasted").value));
  await takeText(location.hash.slice(1));
}

await begin();
