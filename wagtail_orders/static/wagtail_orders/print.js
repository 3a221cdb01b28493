/* Orders side by side, for browsers that do not read shadow roots from HTML. */
for (const template of document.querySelectorAll("template[shadowrootmode]")) {
  template.parentNode.attachShadow({ mode: "open" }).append(template.content);
  template.remove();
}

/* The print view's button. Without a script the browser's own menu prints. */
for (const button of document.querySelectorAll("[data-orders-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}
