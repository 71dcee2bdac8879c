"use strict";
// What makes pages of the console handier. All of them work without it, and it asks nobody anything.
(() => {
  const problem = document.querySelector(".faults");
  if (problem) problem.focus();
})();
