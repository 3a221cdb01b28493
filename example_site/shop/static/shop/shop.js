/* Shows the order's total for the chosen way of sending; without it the prices stand next to each choice. */
"use strict";

const choices = document.querySelectorAll("[data-total]");

function showTotals() {
  for (const choice of choices) {
    if (!choice.querySelector("input").checked) continue;
    document.querySelector('[data-show="shipping"]').textContent = choice.dataset.shipping;
    document.querySelector('[data-show="total"]').textContent = choice.dataset.total;
  }
}

if (choices.length) {
  document.querySelectorAll(".with-script").forEach((part) => part.removeAttribute("hidden"));
  document.querySelectorAll(".without-script").forEach((part) => part.setAttribute("hidden", ""));
  choices.forEach((choice) => choice.addEventListener("change", showTotals));
  showTotals();
}
