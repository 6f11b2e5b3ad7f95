/* Compares what a receipt commits to with what its holder has: the details of the entry, and the released answer. */

import { Unverifiable, hexDigest, textOf, unbase64 } from "./receipt.js";

const MOST = 64;
const SALT_BYTES = 16;
const RESPONSE_DIGEST = "responseDigest";

/** Return the details as [name, value] pairs once each of their digests stands in the leaf. */
export async function disclosed(leaf, data) {
  const disclosures = parsed(data);
  const committed = new Set(Array.isArray(leaf._sd) ? leaf._sd : []);
  const names = new Set();
  for (const disclosure of disclosures) {
    const [, name] = disclosure;
    if (names.has(name)) {
      throw new Unverifiable("disclosure-unproven", "The detail “{name}” is given twice.", { name });
    }
    if (!committed.has(await digestOf(disclosure))) {
      const detail = "The detail “{name}” is not what the entry was made with.";
      throw new Unverifiable("disclosure-unproven", detail, { name });
    }
    names.add(name);
  }
  return disclosures.map(([, name, value]) => [name, value]);
}

/** Say whether these bytes are the very answer that the entry speaks of. */
export async function checkAnswer(details, bytes) {
  const found = details.find(([name]) => name === RESPONSE_DIGEST);
  if (!found) {
    throw new Unverifiable("answer-not-disclosed", "The details do not hold the digest of an answer.");
  }
  if (found[1] !== (await hexDigest(bytes))) {
    throw new Unverifiable("answer-different", "This is not the answer that the entry speaks of: its bytes differ.");
  }
}

async function digestOf(disclosure) {
  const text = JSON.stringify(disclosure);
  const hex = await hexDigest(new TextEncoder().encode(text));
  const bytes = hex.match(/../g).map((pair) => String.fromCharCode(parseInt(pair, 16)));
  return btoa(bytes.join("")).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function parsed(data) {
  let found = null;
  try {
    found = JSON.parse(textOf(data) ?? "");
  } catch {
    found = null;
  }
  if (!Array.isArray(found) || found.length > MOST || !found.every(isDisclosure)) {
    throw new Unverifiable("disclosure-malformed", "The file with the details is not what it should be.");
  }
  return found;
}

function isDisclosure(one) {
  return Array.isArray(one) && one.length === 3 && isSalt(one[0]) && typeof one[1] === "string" && one[1] !== "";
}

function isSalt(text) {
  if (typeof text !== "string" || !/^[A-Za-z0-9_-]+$/.test(text)) return false;
  const padded = text.replaceAll("-", "+").replaceAll("_", "/") + "=".repeat((4 - (text.length % 4)) % 4);
  return unbase64(padded)?.length === SALT_BYTES;
}
