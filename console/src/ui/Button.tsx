import type { ComponentChildren } from "preact";

interface Props {
  children: ComponentChildren;
  onClick?: () => void;
  /** The one action a page or dialog is for; what destroys; what stays in the background. */
  kind?: "primary" | "danger" | "quiet";
  type?: "button" | "submit";
  busy?: boolean;
  disabled?: boolean;
  label?: string;
  title?: string;
}

/** A button; while it is busy it keeps its width and takes no second click. */
export function Button({ children, onClick, kind, type = "button", busy, disabled, label, title }: Props) {
  return (
    <button type={type} class={`button ${kind ?? ""}`} aria-busy={busy} aria-label={label} title={title}
      disabled={disabled || busy} onClick={onClick}>
      {children}
    </button>
  );
}

/** A link that looks like a button. */
export function ButtonLink({ href, kind, children }: { href: string; kind?: Props["kind"]; children: ComponentChildren }) {
  return <a href={href} class={`button ${kind ?? ""}`}>{children}</a>;
}
