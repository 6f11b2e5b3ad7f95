/* The page that checks a receipt: takes the files, shows the verdict in words. What it proves is judged in receipt.js. */

import { checkAnswer, disclosed } from "./disclosure.js";
import { Unverifiable, canonicalObject, isAble, textOf, unbase64, verifierOfVkey, verifyReceipt } from "./receipt.js";

const byId = (id) => document.getElementById(id);
const facts = JSON.parse(byId("checker").dataset.facts);
const given = { receipt: null, disclosures: null, answer: null };
const NOT_CHECKED = { code: "not-checked", detail: "This browser could not finish the check." };
const MOST_BYTES = 16 * 1024 * 1024;
let turn = 0;

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
  let [verdict, said] = [[], []];
  try {
    const found = await judged();
    [verdict, said] = [accepted(found), explained(found)];
  } catch (error) {
    verdict = refused(error instanceof Unverifiable ? error : NOT_CHECKED);
  }
  if (mine !== turn) return; // a later file was quicker
  show(verdict, said);
  byId("verdict").scrollIntoView({ block: "nearest" });
}

function show(verdict, said) {
  byId("verdict").replaceChildren(...verdict);
  byId("said").replaceChildren(...said);
}

// Words

function element(tag, content, className = "") {
  const made = document.createElement(tag);
  made.append(...[content].flat());
  if (className) made.className = className;
  return made;
}

function refused({ code, detail }) {
  const box = element("div", [element("h2", "Not verified"), element("p", detail)], "error-summary");
  box.append(element("p", ["Do not rely on this receipt. Reason: ", element("code", code)]));
  return [box];
}

/** Return the plain word for a code; a code without one is shown as it is. */
function word(table, code) {
  return Object.hasOwn(facts[table], code) ? facts[table][code] : code;
}

function accepted({ leaf }) {
  const words = [element("p", sentence(leaf, String(word("events", leaf.event))))];
  if (given.answer) words.push(element("p", "The answer that you gave is, byte for byte, the one that was released."));
  return [element("div", [element("h2", "Verified"), ...words], "banner")];
}

function explained({ leaf, index, checkpoint, details }) {
  const what = String(word("events", leaf.event));
  const shown = [element("dl", rows(leaf, index, checkpoint, what).map(row), "summary")];
  if (details.length) {
    const rowsOfDetails = details.map(([name, value]) => row([word("details", name), worded(value)]));
    shown.push(element("h2", "Details that belong to it"), element("dl", rowsOfDetails, "summary"));
  }
  shown.push(element("h2", "Who vouches for it"), element("ul", vouchers(checkpoint)));
  return shown;
}

function sentence(leaf, what) {
  const owner = word("banks", leaf.log.split("/").at(-2));
  return `“${what}” stands in the log of ${owner}, with all of what is said below.`;
}

function rows(leaf, index, checkpoint, what) {
  const reasons = Array.isArray(leaf.reasons) ? leaf.reasons.map((code) => word("reasons", code)) : [];
  return [
    ["What", what],
    ["When", timeWords(leaf.time)],
    ["How it ended", word("decisions", leaf.decision)],
    ["App", leaf.platform],
    ["Kind of data", word("categories", leaf.category)],
    ["What for", word("purposes", leaf.purpose)],
    ["Why", reasons.join("; ")],
    ["How much", leaf.records === undefined ? "" : `${leaf.records} records`],
    ["Person (pseudonym)", leaf.subject],
    ["Permission", leaf.grant],
    ["Reference", leaf.interactionId],
    ["Log", checkpoint.origin],
    ["Number in the log", `${index} (when this was signed, the log had ${checkpoint.size} entries)`],
  ].filter(([, value]) => value !== undefined && value !== "");
}

function row([term, value]) {
  return element("div", [element("dt", term), element("dd", String(value))]);
}

function worded(value) {
  if (Array.isArray(value) && value.every((one) => typeof one === "string")) return value.join(", ");
  return typeof value === "string" ? value : JSON.stringify(value, null, 1);
}

function timeWords(microseconds) {
  const instant = new Date(microseconds / 1_000);
  return Number.isNaN(instant.getTime()) ? String(microseconds) : instant.toUTCString().replace("GMT", "UTC");
}

function vouchers({ log, cosigners, unknown }) {
  const own = pastedLines().length > 0;
  const source = own ? "the key that you pasted" : "a key that this page brought along: compare it with your bank's";
  const lines = [element("li", [`The log itself, by ${source}: `, element("code", log.vkey)])];
  for (const { name, time, vkey } of cosigners) {
    const seen = timeWords(Number(time) * 1_000_000);
    lines.push(element("li", [`The witness ${name}, who saw this state of the log on ${seen}: `, element("code", vkey)]));
  }
  for (const name of unknown) lines.push(element("li", `${name} has signed too, but no key of it is known here.`));
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
