import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";

/** What every page begins with: its title, what can be done here, and where one came from. */
export function Page({ title, note, actions, up, children }: {
  title: string; note?: ComponentChildren; actions?: ComponentChildren; up?: { href: string; text: string }; children: ComponentChildren;
}) {
  useEffect(() => {
    document.title = `${title} · Tandem`;
  }, [title]);
  return (
    <>
      <header class="page">
        <div>
          {up && <a class="up" href={up.href}>{up.text}</a>}
          <h1>{title}</h1>
          {note && <p class="muted">{note}</p>}
        </div>
        {actions && <div class="actions">{actions}</div>}
      </header>
      {children}
    </>
  );
}

/** A part of a page with a heading. */
export function Panel({ title, actions, children, wide }: { title: string; actions?: ComponentChildren; children: ComponentChildren; wide?: boolean }) {
  return (
    <section class={wide ? "panel wide" : "panel"}>
      <header><h2>{title}</h2>{actions && <div class="actions">{actions}</div>}</header>
      {children}
    </section>
  );
}

/** Names and values, such as a firmware's manifest. */
export function Facts({ facts }: { facts: [string, ComponentChildren][] }) {
  return (
    <dl class="facts">
      {facts.map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{value ?? <span class="muted">–</span>}</dd></div>)}
    </dl>
  );
}
