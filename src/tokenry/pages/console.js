"use strict";
// What makes pages of the console handier. All of them work without it, and it asks nobody anything.
(() => {
  const all = (selector) => [...document.querySelectorAll(selector)];
  const problem = document.querySelector(".faults");
  if (problem) problem.focus();

  // A form that makes something is sent once, also by a double click; it can be again by whoever comes back to it.
  for (const form of all("form[data-once]")) {
    let sent = false;
    form.addEventListener("submit", (event) => {
      if (sent) event.preventDefault();
      sent = true;
    });
    window.addEventListener("pageshow", () => { sent = false; });
  }

  // What is chosen for all resources is chosen in each row, as far as it is to be had; then no longer for all.
  const levels = all('input[name^="level."]');
  const bases = all('input[name="base"]');
  const none = bases.find((input) => input.value === "");
  for (const base of bases) {
    base.addEventListener("change", () => {
      const wanted = ["", "read_only", "read_write"].slice(0, bases.indexOf(base) + 1);
      for (const input of levels) if (!input.disabled && wanted.includes(input.value)) input.checked = true;
    });
  }
  for (const input of levels) input.addEventListener("change", () => { none.checked = true; });

  // A day that is filled in counts: so it is chosen, and emptied when something else is.
  const day = document.getElementById("day");
  if (day) {
    const own = document.querySelector('input[name="expires"][value="day"]');
    day.addEventListener("input", () => { own.checked = day.value !== "" || own.checked; });
    for (const input of all('input[name="expires"]')) {
      input.addEventListener("change", () => { if (input === own) day.focus(); else day.value = ""; });
    }
  }

  const said = document.getElementById("said");
  for (const hidden of all(".scripted")) hidden.hidden = false;
  for (const button of all("[data-copy]")) {
    button.addEventListener("click", async () => {
      const field = document.getElementById(button.dataset.copy);
      field.select();
      if (navigator.clipboard) await navigator.clipboard.writeText(field.value); else document.execCommand("copy");
      said.textContent = button.dataset.done;
    });
  }
  for (const button of all("[data-download]")) {
    button.addEventListener("click", () => {
      const link = document.createElement("a");
      const text = `${document.getElementById(button.dataset.download).value}\n`;
      link.href = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
      link.download = button.dataset.name;
      link.click();
      URL.revokeObjectURL(link.href);
      said.textContent = button.dataset.done;
    });
  }
})();
