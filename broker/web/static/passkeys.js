/* Lets the browser make or use a passkey and puts what it says into the page's own form, which the person sent. */

const form = document.getElementById("passkey");
const failed = document.getElementById("passkey-failed");

function bytes(text) {
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (one) => one.charCodeAt(0));
}

function text(buffer) {
  const plain = String.fromCharCode(...new Uint8Array(buffer));
  return btoa(plain).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function read(options) {
  const listed = (found) => (found ?? []).map((one) => ({ ...one, id: bytes(one.id) }));
  options.challenge = bytes(options.challenge);
  options.allowCredentials = listed(options.allowCredentials);
  if (options.user) {
    options.user.id = bytes(options.user.id);
    options.excludeCredentials = listed(options.excludeCredentials);
  }
  return options;
}

function written(credential) {
  const response = {};
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (credential.response[name]) response[name] = text(credential.response[name]);
  }
  return JSON.stringify({ id: credential.id, rawId: text(credential.rawId), type: credential.type, response });
}

async function ask(event) {
  event.preventDefault();
  failed.hidden = true;
  try {
    const publicKey = read(JSON.parse(form.dataset.options));
    const act = form.dataset.ceremony === "create" ? "create" : "get";
    form.elements.answer.value = written(await navigator.credentials[act]({ publicKey }));
  } catch {
    failed.hidden = false;
    return;
  }
  form.submit();
}

if (window.PublicKeyCredential) {
  document.getElementById("passkey-missing").hidden = true;
  form.hidden = false;
  form.addEventListener("submit", ask);
}
