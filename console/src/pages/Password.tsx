import { useState } from "preact/hooks";
import { useAction } from "../api/resource";
import { changePassword, session, signOut } from "../api/session";
import { Button } from "../ui/Button";
import { ErrorNote } from "../ui/ErrorNote";
import { Field } from "../ui/Field";

const LENGTH_MIN = 12;

/** After a sign-in with a one-time password: nothing else is possible before. */
export function PasswordPage() {
  const [old, setOld] = useState("");
  const [fresh, setFresh] = useState("");
  const [again, setAgain] = useState("");
  const change = useAction(() => changePassword(old, fresh));
  const short = fresh !== "" && fresh.length < LENGTH_MIN ? `${LENGTH_MIN} characters at least` : undefined;
  const different = again !== "" && again !== fresh ? "Not the same as above" : undefined;
  return (
    <main class="alone">
      <form class="card" onSubmit={(event) => { event.preventDefault(); void change.run(); }}>
        <h1>Choose a password</h1>
        <p class="muted">The password that you signed in with as {session.value!.user.login} was for one time.</p>
        <Field label="One-time password" value={old} onInput={setOld} type="password" autocomplete="current-password" required autofocus />
        <Field label="New password" value={fresh} onInput={setFresh} type="password" autocomplete="new-password" required error={short}
          hint={`${LENGTH_MIN} characters at least, without the login in it`} />
        <Field label="New password again" value={again} onInput={setAgain} type="password" autocomplete="new-password" required error={different} />
        {change.error && <ErrorNote error={change.error} />}
        <Button type="submit" kind="primary" busy={change.busy} disabled={fresh.length < LENGTH_MIN || fresh !== again}>Set password</Button>
        <Button kind="quiet" onClick={() => void signOut()}>Sign out</Button>
      </form>
    </main>
  );
}
