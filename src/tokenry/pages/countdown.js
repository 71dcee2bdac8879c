"use strict";
// What is left of something that ends by itself, second by second; whoever listens to the page is told now and then.
(() => {
  const LANGUAGE = document.documentElement.lang;
  const UNITS = [["day", 24 * 60 * 60], ["hour", 60 * 60], ["minute", 60], ["second", 1]];
  const TOLD_AT = [24 * 60 * 60, 60 * 60, 10 * 60, 60, 0];
  const write = (seconds) => {
    let rest = seconds;
    const pieces = UNITS.map(([unit, length]) => {
      const number = Math.floor(rest / length);
      rest -= number * length;
      return [number, new Intl.NumberFormat(LANGUAGE, { style: "unit", unit, unitDisplay: "long" }).format(number)];
    });
    const first = pieces.findIndex(([number]) => number > 0);
    return pieces.slice(first).map(([, text]) => text).join(" ");
  };

  for (const shown of document.querySelectorAll("[data-left]")) {
    const ends = Date.now() + Number(shown.dataset.left) * 1000;
    const timer = shown.querySelector("time");
    const told = shown.parentElement.querySelector("[role=status].unseen");
    const steps = (left) => TOLD_AT.filter((step) => left <= step).length;
    let passed = steps(Number(shown.dataset.left));
    const tick = () => {
      const left = Math.max(0, Math.ceil((ends - Date.now()) / 1000));
      if (left > 0) timer.textContent = write(left); else shown.textContent = shown.dataset.ended;
      if (steps(left) > passed) told.textContent = shown.textContent;
      passed = steps(left);
      if (left === 0) clearInterval(ticking);
    };
    const ticking = setInterval(tick, 1000);
    tick();
  }
})();
