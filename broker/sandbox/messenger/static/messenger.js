// Looks now and then, while the chat is in sight, whether something new was said, and shows it. Nothing needs it: a
// reload shows the same.
"use strict";

const PAUSE_MS = 2500;
const talk = document.querySelector("main.talk");

async function look() {
  if (document.visibilityState !== "visible") return;
  const answer = await fetch(talk.dataset.news, { headers: { Accept: "application/json" } });
  if (!answer.ok) return;
  const { newest } = await answer.json();
  if (String(newest) === talk.dataset.newest) return;
  const page = await fetch(talk.dataset.chat);
  if (!page.ok) return;
  const fresh = new DOMParser().parseFromString(await page.text(), "text/html");
  const other = fresh.querySelector("main.talk");
  if (other === null) return;
  talk.dataset.newest = other.dataset.newest;
  for (const place of [".messages", ".side"]) {
    const [old, now] = [document.querySelector(place), fresh.querySelector(place)];
    // Who is about to press something there keeps it under the finger.
    if (place === ".messages" || !old.contains(document.activeElement)) old.replaceWith(document.adoptNode(now));
  }
}

async function keepLooking() {
  try {
    await look();
  } catch {
    // Messenger or the network is away for a moment: the next look tells.
  }
  setTimeout(keepLooking, PAUSE_MS);
}

setTimeout(keepLooking, PAUSE_MS);
