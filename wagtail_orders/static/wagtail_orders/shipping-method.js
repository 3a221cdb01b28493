// Fills in the tracking link of the chosen carrier, and shows the link that a sample number would get.
(() => {
  const PAUSE = 300;
  const panel = document.querySelector('[data-orders-try]');
  if (!panel) return;
  const templates = JSON.parse(panel.dataset.templates);
  const { carrier, tracking_url_template: template } = panel.closest('form').elements;
  const samples = [...panel.querySelectorAll('[data-asks]')];
  const sample = (one) => one.querySelector('input');
  let asked;
  let waiting;

  const say = (name, text) => {
    const place = panel.querySelector(`.orders-try__${name}`);
    place.hidden = !text;
    (place.querySelector('a') ?? place).textContent = text;
  };

  const tryOut = async () => {
    asked?.abort();
    asked = new AbortController();
    const typed = new URLSearchParams({ carrier: carrier.value, template: template.value });
    for (const one of samples) typed.set(one.dataset.asks, sample(one).value);
    const answer = await fetch(`${panel.dataset.ordersTry}?${typed}`, {
      signal: asked.signal,
      redirect: 'error',
    })
      .then((response) => response.ok && response.json())
      .catch(() => null);
    // Somebody typed on meanwhile, or is logged out: saving tells.
    if (!answer) return;
    for (const one of samples) one.hidden = !answer.asks.includes(one.dataset.asks);
    if (answer.link) panel.querySelector('a').href = answer.link;
    say('link', answer.link);
    say('refused', answer.refused);
    say('notes', answer.notes.join(' '));
  };

  const soon = () => {
    window.clearTimeout(waiting);
    waiting = window.setTimeout(tryOut, PAUSE);
  };

  carrier.addEventListener('change', () => {
    const own = template.value.trim();
    const chosen = carrier.value ? templates[carrier.value] : '';
    // What the owner wrote herself stays.
    if (chosen !== undefined && (!own || Object.values(templates).includes(own))) {
      template.value = chosen;
      template.dispatchEvent(new Event('change', { bubbles: true }));
    }
    tryOut();
  });
  template.addEventListener('input', soon);
  for (const one of samples) {
    sample(one).addEventListener('input', soon);
    // It is no field of the form, which Enter would send.
    sample(one).addEventListener('keydown', (event) => {
      if (event.key === 'Enter') event.preventDefault();
    });
  }
  tryOut();
})();
