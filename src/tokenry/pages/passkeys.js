"use strict";
// Asks the browser for a passkey when the form is sent, and sends what it answers. All is decided by the service.
(() => {
  const form = document.querySelector("form[data-options]");
  const problem = document.getElementById("problem");
  if (!form || !problem) return;

  const read = (text) =>
    Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (character) => character.charCodeAt(0));
  const write = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const readAll = (known) => (known || []).map((each) => ({ ...each, id: read(each.id) }));

  const answer = (credential, names) => {
    const response = {};
    for (const name of names) if (credential.response[name]) response[name] = write(credential.response[name]);
    return JSON.stringify({ id: credential.id, rawId: write(credential.rawId), type: credential.type, response });
  };

  const make = async (options) => {
    const user = { ...options.user, id: read(options.user.id) };
    const excludeCredentials = readAll(options.excludeCredentials);
    const publicKey = { ...options, user, excludeCredentials, challenge: read(options.challenge) };
    return answer(await navigator.credentials.create({ publicKey }), ["clientDataJSON", "attestationObject"]);
  };

  const sign = async (options) => {
    const allowCredentials = readAll(options.allowCredentials);
    const publicKey = { ...options, allowCredentials, challenge: read(options.challenge) };
    const names = ["clientDataJSON", "authenticatorData", "signature", "userHandle"];
    return answer(await navigator.credentials.get({ publicKey }), names);
  };

  if (!window.PublicKeyCredential) {
    problem.textContent = problem.dataset.impossible;
    return;
  }
  problem.textContent = "";
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    problem.textContent = "";
    const options = JSON.parse(form.dataset.options);
    try {
      form.elements.answer.value = await (options.user ? make(options) : sign(options));
    } catch (error) {
      const { there, failed } = problem.dataset;
      problem.textContent = error.name === "InvalidStateError" ? there : failed;
      return;
    }
    form.submit();
  });
})();
