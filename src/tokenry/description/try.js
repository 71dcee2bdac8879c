"use strict";
// Sends the requests that this page describes, to its own origin alone. A token that is typed here is in its field and in
// the requests: in no storage and no address, and it is gone when the page is left.
{
  const make = (name, attributes, ...content) => {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...content);
    return made;
  };

  // Not a password: browsers offer to keep those. The style hides what is typed.
  const token = make("input", { class: "hidden", autocomplete: "off", autocapitalize: "off", spellcheck: "false" });
  addEventListener("pagehide", () => { token.value = ""; });
  document.getElementById("authentication").append(
    make("p", { class: "try" }, make("label", {}, "A token to try the API with", token)),
    make("p", { class: "type" }, "It stays in this page, and goes with what you send from here to this service alone."),
  );

  const write = (text) => {
    try {
      return JSON.stringify(JSON.parse(text), null, 2);
    } catch {
      return text;
    }
  };

  const fill = (place, call) => {
    const inputs = call.parameters.map((each) => [each, make("input", { value: each.value, spellcheck: "false" })]);
    const body = "body" in call ? make("textarea", { rows: "6", spellcheck: "false" }, call.body) : null;
    const button = make("button", { type: "button" }, "Send");
    const answer = make("pre", { class: "answer", role: "status", tabindex: "0" });
    const read = () => {
      const url = new URL(location.origin);
      const headers = {};
      let path = call.path;
      for (const [each, input] of inputs) {
        if (each.in === "path") path = path.replace(`{${each.name}}`, () => encodeURIComponent(input.value));
        else if (input.value && each.in === "query") url.searchParams.append(each.name, input.value);
        else if (input.value) headers[each.name] = input.value;
      }
      url.pathname = path; // of this origin, whatever was typed
      if (call.secured && token.value) headers.Authorization = `Bearer ${token.value.trim()}`;
      if (body) headers["Content-Type"] = call.type;
      return [url, { method: call.method, headers, body: body && body.value }];
    };
    const send = async () => {
      button.disabled = true;
      try {
        const [url, request] = read();
        const alone = { credentials: "omit", redirect: "error", referrerPolicy: "no-referrer", cache: "no-store" };
        const response = await fetch(url, { ...request, ...alone });
        answer.textContent = `${response.status} ${response.statusText}\n${write(await response.text())}`;
      } catch (error) {
        answer.textContent = `There was no answer: ${error.message}`;
      } finally {
        button.disabled = false;
      }
    };
    button.addEventListener("click", send);
    for (const [each, input] of inputs) place.append(make("label", {}, each.name, input));
    if (body) place.append(make("label", {}, "Body", body));
    place.append(button, answer);
  };

  for (const article of document.querySelectorAll("article[data-call]")) {
    const place = make("details", { class: "try" }, make("summary", {}, "Try it"));
    place.addEventListener("toggle", () => fill(place, JSON.parse(article.dataset.call)), { once: true });
    article.append(place);
  }

  const reveal = () => {
    const aim = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const folded = aim && aim.closest("details:not([open])");
    if (!folded) return;
    folded.open = true;
    aim.scrollIntoView();
  };
  addEventListener("hashchange", reveal);
  reveal();
}
