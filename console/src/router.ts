import { computed, signal } from "@preact/signals";

/** The address: pages have paths, and what a page is set to (filter, sort) stands in its query. */
const here = signal(location.pathname + location.search);
export const path = computed(() => here.value.split("?")[0]!);
export const query = computed(() => new URLSearchParams(here.value.split("?")[1] ?? ""));

export function navigate(to: string, replace = false) {
  if (to === here.value) return;
  if (replace) history.replaceState(null, "", to);
  else history.pushState(null, "", to);
  const moved = to.split("?")[0] !== path.value;
  here.value = to;
  if (moved) scrollTo(0, 0);
}

/** Changes parameters of this page's address, without a step back in the history. */
export function setQuery(changes: Record<string, string | undefined>) {
  const next = new URLSearchParams(query.value);
  for (const [name, value] of Object.entries(changes)) {
    if (value) next.set(name, value);
    else next.delete(name);
  }
  const text = next.toString();
  navigate(path.value + (text ? `?${text}` : ""), true);
}

/** Links are plain links: a click on one that stays in the console changes the page without loading it anew. */
export function followLinks() {
  addEventListener("popstate", () => (here.value = location.pathname + location.search));
  document.addEventListener("click", (event) => {
    const link = (event.target as Element).closest?.("a");
    const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
    if (!link || !plain || link.target || link.hasAttribute("download") || link.origin !== location.origin) return;
    if (link.pathname.startsWith("/api/") || event.defaultPrevented) return;
    event.preventDefault();
    navigate(link.pathname + link.search);
  });
}
