/* Judges a receipt where it is read: no server is asked, nothing is sent (WebCrypto; no page, no DOM).
 *
 * A receipt is a C2SP tlog-proof whose `extra` line is the leaf. The rules are those of broker/tlog, and a test holds
 * both to the same verdicts: RFC 9162 §2.1 (tree), C2SP signed-note, tlog-checkpoint, tlog-proof, tlog-cosignature.
 */

const HASH_BYTES = 32;
const SIGNATURE_BYTES = 64;
const MOST_BYTES = 65_536;
const MOST_HASHES = 63;
const LARGEST_LEAF = 4_096;
const LARGEST_NUMBER = 2n ** 63n - 1n;
const MOST_SIGNATURES = 64;
const ED25519 = 0x01;
const COSIGNATURE = 0x04;
const COSIGNATURE_HEAD = "cosignature/v1\ntime ";
const FIRST_LINE = "c2sp.org/tlog-proof@v1";

const utf8 = new TextEncoder();
const strictText = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** What is wrong with a receipt: a code for programs, a detail in English for people, and what is named in it. */
export class Unverifiable extends Error {
  constructor(code, detail, values = {}) {
    super(filled(detail, values));
    this.code = code;
    this.detail = detail;
    this.values = values;
  }
}

/** Put values into the places of a text: `{name}`. */
export function filled(text, values) {
  return text.replace(/\{(\w+)\}/g, (place, name) => (Object.hasOwn(values, name) ? String(values[name]) : place));
}

/** Decode base64 of the one form that its bytes have (RFC 4648 §4); null for anything else, and for nothing. */
export function unbase64(text) {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text) || text.length % 4 !== 0) return null;
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  return encoded(bytes) === text ? bytes : null;
}

function encoded(bytes) {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

/** Decode UTF-8 without control characters but newline (C2SP signed-note), of at most 64 KiB; null for others. */
export function textOf(bytes) {
  if (bytes.length > MOST_BYTES || bytes.some((byte) => byte < 0x20 && byte !== 0x0a)) return null;
  try {
    return strictText.decode(bytes);
  } catch {
    return null;
  }
}

async function sha256(...parts) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", joined(...parts)));
}

export async function hexDigest(bytes) {
  return Array.from(await sha256(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function joined(...parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function same(one, other) {
  return one.length === other.length && one.every((byte, place) => byte === other[place]);
}

/** Say whether this browser can check Ed25519 signatures at all; outside a secure context it has no WebCrypto. */
export async function isAble() {
  if (!globalThis.crypto?.subtle) return false;
  try {
    const point = new Uint8Array(HASH_BYTES);
    point[0] = 1;
    await crypto.subtle.importKey("raw", point, { name: "Ed25519" }, false, ["verify"]);
    return true;
  } catch {
    return false;
  }
}

// Keys (C2SP signed-note, "Verifier keys")

async function keyId(name, type, material) {
  return (await sha256(utf8.encode(`${name}\n`), Uint8Array.of(type), material)).slice(0, 4);
}

/** Make what checks the signatures of one name: `type` 0x01 is a log's key, 0x04 a witness's. */
export async function verifierOf(name, type, material) {
  return { name, type, material, id: await keyId(name, type, material), vkey: await vkeyOf(name, type, material) };
}

async function vkeyOf(name, type, material) {
  const id = Array.from(await keyId(name, type, material), (byte) => byte.toString(16).padStart(2, "0")).join("");
  return `${name}+${id}+${encoded(joined(Uint8Array.of(type), material))}`;
}

/** Read a verifier key as somebody may publish it. */
export async function verifierOfVkey(text) {
  const [name, id, key, ...more] = splitVkey(text);
  const bytes = key === undefined ? null : unbase64(key);
  if (more.length || bytes === null || bytes.length !== 1 + HASH_BYTES || !isName(name)) {
    throw new Unverifiable("key-malformed", "This is not a verifier key (name+id+key).");
  }
  if (bytes[0] !== ED25519 && bytes[0] !== COSIGNATURE) {
    throw new Unverifiable("key-malformed", "This verifier key is of a kind that is not known here.");
  }
  const made = await verifierOf(name, bytes[0], bytes.slice(1));
  if (made.vkey !== `${name}+${id}+${key}`) {
    throw new Unverifiable("key-malformed", "This verifier key does not fit its own id: a character is wrong.");
  }
  return made;
}

function splitVkey(text) {
  const [name, id, ...rest] = text.split("+");
  return rest.length ? [name, id, rest.join("+")] : [name, id];
}

function isName(name) {
  return name.length > 0 && !/[\p{White_Space}+]/u.test(name);
}

async function isSigned(verifier, text, signature) {
  const isCosignature = verifier.type === COSIGNATURE;
  if (signature.length !== SIGNATURE_BYTES + (isCosignature ? 8 : 0)) return false;
  if (isCosignature && (timeOf(signature) === 0n || timeOf(signature) > LARGEST_NUMBER)) return false;
  const signed = isCosignature ? `${COSIGNATURE_HEAD}${timeOf(signature)}\n${text}` : text;
  try {
    const key = await crypto.subtle.importKey("raw", verifier.material, { name: "Ed25519" }, false, ["verify"]);
    return await crypto.subtle.verify({ name: "Ed25519" }, key, signature.slice(-SIGNATURE_BYTES), utf8.encode(signed));
  } catch {
    return false; // the bytes are no point of the curve
  }
}

function timeOf(signature) {
  return new DataView(signature.buffer, signature.byteOffset).getBigUint64(0);
}

// The note (C2SP signed-note) and the checkpoint in it (C2SP tlog-checkpoint)

function parseNote(note) {
  const end = note.lastIndexOf("\n\n");
  const lines = end < 0 ? [] : note.slice(end + 2).split("\n");
  if (lines.pop() !== "" || lines.length === 0 || lines.length > MOST_SIGNATURES) throw malformedNote();
  return { text: note.slice(0, end + 1), signatures: lines.map(signatureOf) };
}

function signatureOf(line) {
  const [dash, name, value, ...more] = line.split(" ");
  const bytes = value === undefined ? null : unbase64(value);
  if (dash !== "\u2014" || more.length || !isName(name) || bytes === null || bytes.length < 5) throw malformedNote();
  return { name, id: bytes.slice(0, 4), signature: bytes.slice(4) };
}

function malformedNote() {
  return new Unverifiable("note-malformed", "The signed checkpoint in the receipt is not well formed.");
}

function parseCheckpoint(text) {
  const [origin, size, root, ...extensions] = text.slice(0, -1).split("\n");
  const bytes = root === undefined ? null : unbase64(root);
  if (!origin || bytes?.length !== HASH_BYTES || !isNumber(size) || extensions.some((line) => line === "")) {
    throw new Unverifiable("checkpoint-malformed", "The checkpoint does not say origin, size and root as it should.");
  }
  return { origin, size: BigInt(size), root: bytes };
}

function isNumber(text) {
  return /^(0|[1-9][0-9]{0,18})$/.test(text) && BigInt(text) <= LARGEST_NUMBER;
}

/** Check every signature of a known key: one that fails refuses the whole; unknown keys say nothing. */
async function openCheckpoint(note, verifiersOf) {
  const { text, signatures } = parseNote(note);
  const origin = text.split("\n", 1)[0];
  const verifiers = await verifiersOf(origin);
  const [cosigners, unknown] = [new Map(), new Set()];
  let [log, isKnown] = [null, false];
  for (const { name, id, signature } of signatures) {
    const verifier = verifiers.find((one) => one.name === name && same(one.id, id));
    if (!verifier) {
      unknown.add(name);
    } else if (!(await isSigned(verifier, text, signature))) {
      const detail = "The signature of {name} does not fit: something was changed.";
      throw new Unverifiable("signature-invalid", detail, { name });
    }
    isKnown ||= Boolean(verifier);
    if (verifier?.type === COSIGNATURE) {
      if (!cosigners.has(verifier.vkey)) cosigners.set(verifier.vkey, { name, time: timeOf(signature) });
    } else if (verifier && name === origin) {
      log = verifier;
    }
  }
  if (!isKnown) throw unsigned(origin);
  const checkpoint = parseCheckpoint(text);
  // A witness named like the log does not speak for it.
  if (!log) throw unsigned(origin);
  return { ...checkpoint, log, cosigners: [...cosigners].map(([vkey, one]) => ({ vkey, ...one })), unknown: [...unknown] };
}

function unsigned(origin) {
  const detail = "It is not signed by a key that is known here for the log {origin}.";
  return new Unverifiable("signature-missing", detail, { origin });
}

// The proof (C2SP tlog-proof) and the tree (RFC 9162 §2.1.3.2)

function parseProof(data) {
  const text = textOf(data);
  const end = text === null ? -1 : text.indexOf("\n\n");
  if (end < 0 || end + 2 === text.length) throw malformedProof();
  const [head, ...lines] = text.slice(0, end).split("\n");
  if (head !== FIRST_LINE) throw malformedProof();
  const extra = lines[0]?.startsWith("extra ") ? unbase64(lines.shift().slice(6)) : new Uint8Array();
  const index = lines.shift();
  if (extra === null || !index?.startsWith("index ") || !isNumber(index.slice(6))) throw malformedProof();
  const hashes = lines.map(unbase64);
  if (hashes.length > MOST_HASHES || hashes.some((hash) => hash?.length !== HASH_BYTES)) throw malformedProof();
  return { extra, index: BigInt(index.slice(6)), hashes, note: text.slice(end + 2) };
}

function malformedProof() {
  return new Unverifiable("proof-malformed", "This file is not a receipt, or it was cut off or changed.");
}

async function checkInclusion(leaf, { index, hashes }, { size, root }) {
  if (index >= size) {
    const detail = "The receipt speaks of number {index} of a log of {size} entries.";
    throw new Unverifiable("index-out-of-range", detail, { index, size });
  }
  let node = await sha256(Uint8Array.of(0), leaf);
  let [place, last] = [index, size - 1n];
  for (const hash of hashes) {
    if (last === 0n) throw notIncluded();
    if (place & 1n || place === last) {
      node = await sha256(Uint8Array.of(1), hash, node);
      while (!(place & 1n) && place !== 0n) [place, last] = [place >> 1n, last >> 1n];
    } else {
      node = await sha256(Uint8Array.of(1), node, hash);
    }
    [place, last] = [place >> 1n, last >> 1n];
  }
  if (last !== 0n || !same(node, root)) throw notIncluded();
}

function notIncluded() {
  return new Unverifiable("inclusion-unproven", "The entry does not stand in the log at this number: it was changed.");
}

/** Return what a receipt proves, or throw Unverifiable. `verifiersOf(origin)` returns the keys that are trusted. */
export async function verifyReceipt(data, verifiersOf) {
  const proof = parseProof(data);
  if (proof.extra.length === 0 || proof.extra.length > LARGEST_LEAF) {
    throw new Unverifiable("receipt-malformed", "This file is a proof, but it does not bring its entry along.");
  }
  const checkpoint = await openCheckpoint(proof.note, verifiersOf);
  await checkInclusion(proof.extra, proof, checkpoint);
  return { leaf: proof.extra, index: proof.index, checkpoint };
}

const HALF_A_CHARACTER = /\p{Surrogate}/u;

/** Return the object that a text is the canonical JSON of (RFC 8785, of texts and whole numbers).
 *
 * A text with a member twice reads as the last one here and perhaps as the first elsewhere, so it is refused.
 */
export function canonicalObject(text) {
  let found = null;
  try {
    found = JSON.parse(text);
  } catch {
    found = null;
  }
  if (found === null || typeof found !== "object" || Array.isArray(found)) {
    throw new Unverifiable("leaf-malformed", "The entry is not one JSON object.");
  }
  if (JSON.stringify(ordered(found)) !== text) throw notCanonical();
  return found;
}

function ordered(value) {
  if (Array.isArray(value)) return value.map(ordered);
  if (typeof value === "number" && !Number.isSafeInteger(value)) throw notCanonical();
  if (typeof value === "string" && HALF_A_CHARACTER.test(value)) throw notCanonical();
  if (value === null || typeof value !== "object") return value;
  // Object.fromEntries defines members, so that __proto__ is one as any other.
  return Object.fromEntries(Object.keys(value).sort().map((name) => [ordered(name), ordered(value[name])]));
}

function notCanonical() {
  return new Unverifiable("leaf-not-canonical", "The entry is not written in the one form that entries have.");
}
