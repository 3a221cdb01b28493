// Opens a dialog of the order's page: the one whose form was sent and refused, or the one that the URL names.
(() => {
  const wanted =
    document.querySelector('[data-orders-open]')?.dataset.ordersOpen ||
    window.location.hash.slice(1);
  if (!/^orders-[a-z-]+$/.test(wanted)) return;

  const open = (attempts) => {
    const dialog = document.getElementById(wanted);
    // Wagtail moves the dialog into the page and marks it modal once it can be shown.
    if (dialog?.getAttribute('aria-modal')) {
      dialog.dispatchEvent(new CustomEvent('w-dialog:show'));
    } else if (attempts) {
      window.setTimeout(() => open(attempts - 1), 50);
    }
  };
  open(100);
})();

// Offers the saved texts when the dialog that writes a mail opens, and writes the chosen one into its fields; what
// was typed there stays, and the text comes after it.
(() => {
  const offered = new WeakMap();
  const written = new WeakMap();

  const offer = async (choice) => {
    const response = await fetch(choice.dataset.ordersTexts);
    if (!response.ok) return;
    const { texts } = await response.json();
    const options = texts.map(({ key, name }) => new Option(name, key, false, key === choice.value));
    choice.replaceChildren(choice.options[0], ...options);
    offered.set(choice, new Map(texts.map((text) => [text.key, text])));
  };

  // Heard where it bubbles up to: Wagtail moves the dialog into the page later.
  document.addEventListener('w-dialog:shown', ({ target: dialog }) => {
    const choice = dialog.querySelector('[data-orders-texts]');
    if (choice && !offered.has(choice)) offer(choice);
  });
  document.addEventListener('change', ({ target: choice }) => {
    const chosen = offered.get(choice)?.get(choice.value);
    if (!chosen) return;
    const field = (name) => choice.form.elements[choice.name.replace(/saved$/, name)];
    const text = field('text');
    const own = text.value === (written.get(text) ?? '') ? '' : `${text.value.trimEnd()}\n\n`;
    field('subject').value = chosen.subject;
    text.value = own.trimStart() + chosen.text;
    written.set(text, text.value);
  });
})();

// Shows beneath a dialog that sends parcels what it would do, and the mail that would go, while it is filled in.
(() => {
  const PAUSE = 350;
  const waiting = new WeakMap();
  const asked = new WeakMap();

  const showMail = (form, wanted) => {
    const place = form.querySelector('[data-orders-frame]');
    // A new frame each time: one that is led elsewhere would fill the reader's way back.
    place.replaceChildren();
    place.hidden = !wanted;
    if (!wanted) return;
    const frame = document.createElement('iframe');
    frame.className = 'orders-mail';
    frame.name = `${form.id || 'orders'}-mail`;
    frame.title = place.dataset.title;
    frame.setAttribute('sandbox', '');
    place.append(frame);
    // Sent into the frame, because a mail's styles are allowed in a page of its own and not in this one.
    const letter = document.createElement('form');
    Object.assign(letter, { method: 'post', action: form.dataset.ordersRehearseMail, target: frame.name });
    letter.hidden = true;
    for (const [name, value] of new FormData(form)) {
      const field = document.createElement('input');
      Object.assign(field, { type: 'hidden', name, value });
      letter.append(field);
    }
    document.body.append(letter);
    letter.submit();
    letter.remove();
  };

  const rehearse = async (form) => {
    const typed = new FormData(form);
    asked.set(form, typed);
    const response = await fetch(form.dataset.ordersRehearse, {
      method: 'POST',
      body: typed,
      redirect: 'error',
    }).catch(() => null);
    // Somebody typed on meanwhile, or is logged out: sending the form tells.
    if (!response?.ok || asked.get(form) !== typed) return;
    const place = form.querySelector('[data-orders-rehearsal]');
    place.innerHTML = await response.text();
    const told = place.querySelector('[data-orders-mail]').dataset;
    form.querySelector('[data-orders-certain]').hidden = told.ordersDoubt !== 'yes';
    showMail(form, told.ordersMail === 'yes');
  };

  const soon = (form, pause) => {
    window.clearTimeout(waiting.get(form));
    waiting.set(form, window.setTimeout(() => rehearse(form), pause));
  };

  document.addEventListener('w-dialog:shown', ({ target: dialog }) => {
    const form = dialog.querySelector('[data-orders-rehearse]');
    if (form) soon(form, 0);
  });
  document.addEventListener('input', ({ target: field }) => {
    const { form } = field;
    if (!form?.dataset.ordersRehearse) return;
    // Another number is another question.
    if (field.name.endsWith('-tracking_number')) {
      form.querySelector('[data-orders-certain] input').checked = false;
    }
    // A part delivery leaves the order open, unless the owner ticks it herself.
    const handled = form.elements['ship-handled'];
    if (field === handled) handled.dataset.touched = '';
    if (field.name.startsWith('ship-quantity_') && handled && !('touched' in handled.dataset)) {
      const parts = [...form.querySelectorAll('[name^="ship-quantity_"]')];
      handled.checked = parts.every((part) => Number(part.value) === Number(part.max));
    }
    soon(form, PAUSE);
  });
})();

// Where many parcels are typed or scanned, Enter leads to the next field: scanners send it after each number, and
// it must not ship the first one alone.
document.addEventListener('keydown', (event) => {
  const rows = event.target.closest?.('[data-orders-rows] .orders-rows');
  if (event.key !== 'Enter' || event.isComposing || !rows) return;
  event.preventDefault();
  const fields = [...rows.querySelectorAll('input:not([type=hidden])')];
  const next = fields[fields.indexOf(event.target) + 1] ?? rows.closest('form').querySelector('[type="submit"]');
  next.focus();
});
