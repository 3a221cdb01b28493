// Keeps a job's page up to date, each second for as long as it is under way; then the page is shown anew.
(() => {
  const PAUSE = 1000;
  const place = document.querySelector('[data-orders-job]');
  if (!place) return;
  const bar = place.querySelector('progress');
  const title = document.title.slice(document.title.indexOf('·'));

  const show = ({ done, total, percent, progress }) => {
    if (!percent) return;
    bar.max = total;
    bar.value = done;
    place.querySelector('[data-orders-percent]').textContent = percent;
    place.querySelector('[data-orders-progress]').textContent = progress;
    // Whoever has gone to another tab sees it there.
    document.title = `${percent} ${title}`;
  };

  const ask = async () => {
    const response = await fetch(place.dataset.ordersJob, { redirect: 'error' }).catch(() => null);
    const state = response?.ok ? await response.json().catch(() => null) : null;
    // Deleted elsewhere, or at another stage: there is another page to see.
    if (response?.status === 404 || (state && state.stage !== place.dataset.stage)) {
      window.location.reload();
      return;
    }
    if (state) show(state);
    window.setTimeout(ask, PAUSE);
  };
  window.setTimeout(ask, PAUSE);
})();
