import { useEffect, useState } from "preact/hooks";
import { get } from "../api/client";
import { useAction, useResource } from "../api/resource";
import { signIn } from "../api/session";
import type { SignIn } from "../api/types";
import { Button } from "../ui/Button";
import { ErrorNote } from "../ui/ErrorNote";
import { Field } from "../ui/Field";
import { ThemeSwitch } from "../ui/Shell";

export function SignInPage() {
  const [login, setLogin] = useState("");
  const [password, setPassword] = useState("");
  const offer = useResource("sign-in", (signal) => get<SignIn>("/sign-in", undefined, signal));
  const enter = useAction(() => signIn(login, password));
  useEffect(() => {
    document.title = "Sign in · Tandem";
  }, []);
  return (
    <main class="alone">
      <form class="card" onSubmit={(event) => { event.preventDefault(); void enter.run(); }}>
        <h1><img src="/icon.svg" alt="" width="28" height="28" /> Tandem</h1>
        <Field label="Login" value={login} onInput={setLogin} name="login" autocomplete="username" autocapitalize="none" required autofocus />
        <Field label="Password" value={password} onInput={setPassword} name="password" type="password" autocomplete="current-password" required />
        {enter.error && (enter.error.status === 401
          ? <div class="note bad" role="alert"><p><strong>Login and password do not fit.</strong> Try again, or ask an admin for a new one-time password.</p></div>
          : <ErrorNote error={enter.error} />)}
        <Button type="submit" kind="primary" busy={enter.busy}>Sign in</Button>
        {offer.data?.oidc && <a class="button" href={offer.data.oidc.url}>Sign in with {offer.data.oidc.name}</a>}
        <p class="hint">The first start of tandem-cloud prints a one-time password for the login <code>admin</code>.</p>
      </form>
      <ThemeSwitch />
    </main>
  );
}
