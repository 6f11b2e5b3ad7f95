/* The answer to a form has no address of its own. This gives the browser one to open when somebody comes back to it. */

window.history.replaceState(null, "", document.currentScript.dataset.address + window.location.hash);
