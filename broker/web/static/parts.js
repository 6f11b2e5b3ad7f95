// Watches over htmx on pages that let it bring a part: the part is said to be new, the focus is never lost, and whatever
// is not exactly the part (a sign-in, a problem, no answer at all) is loaded as a whole page, as without JavaScript.
"use strict";

const PART = "found";

function wholePage(address) {
  window.location.assign(new URL(address, window.location.href));
}

document.addEventListener("htmx:beforeSwap", (event) => {
  const { xhr, pathInfo } = event.detail;
  const asked = new URL(pathInfo.finalRequestPath, window.location.href);
  const isAnswer = xhr.status === 200 && new URL(xhr.responseURL).pathname === asked.pathname;
  if (!isAnswer) {
    event.detail.shouldSwap = false;
    event.preventDefault();
    wholePage(asked);
  }
});

for (const failure of ["htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(failure, (event) => wholePage(event.detail.pathInfo.finalRequestPath));
}

// A window or tab of its own stays one: htmx knows no such click.
document.addEventListener(
  "click",
  (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) event.stopImmediatePropagation();
  },
  { capture: true },
);

document.addEventListener("htmx:beforeRequest", () => {
  document.getElementById("announced").textContent = "";
});

document.addEventListener("htmx:afterSettle", () => {
  const part = document.getElementById(PART);
  const said = document.getElementById("announced");
  said.textContent = said.dataset.text;
  if (document.activeElement === document.body || document.activeElement === null) {
    part.focus({ preventScroll: true });
    part.scrollIntoView({ block: "start" });
  }
});
