// An identity provider built on oidc-provider, which is certified by the OpenID Foundation: provider.mjs REDIRECT-URI
// Prints its issuer. A line of settings as JSON makes it anew, at the same address, with keys of its own; it answers "ready".
import { generateKeyPairSync, randomUUID } from "node:crypto";
import http from "node:http";
import readline from "node:readline";
import Provider from "oidc-provider";

const [redirect] = process.argv.slice(2);
const KINDS = {
  RS256: ["rsa", { modulusLength: 2048 }],
  PS256: ["rsa", { modulusLength: 2048 }],
  ES256: ["ec", { namedCurve: "P-256" }],
  EdDSA: ["ed25519", {}],
};
const people = (sub) => ({ sub, email: `${sub}@example.org`, email_verified: sub !== "unverified", name: sub });

function keyFor(alg) {
  const { privateKey } = generateKeyPairSync(...KINDS[alg]);
  return { ...privateKey.export({ format: "jwk" }), use: "sig", alg, kid: randomUUID() };
}

// alg: of ID tokens. inToken: claims stand in the ID token, too, against Core, section 5.4.
function make(issuer, { alg = "RS256", inToken = false, secret = "a secret: with / odd + characters %" }) {
  const provider = new Provider(issuer, {
    clients: [{
      client_id: "tandem console", client_secret: secret, redirect_uris: [redirect], id_token_signed_response_alg: alg,
    }],
    jwks: { keys: [keyFor(alg)] },
    cookies: { keys: [randomUUID()] },
    conformIdTokenClaims: !inToken,
    enabledJWA: { idTokenSigningAlgValues: Object.keys(KINDS) },
    claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
    pkce: { required: () => true, methods: ["S256"] },
    findAccount: (_, sub) => ({ accountId: sub, claims: () => people(sub) }),
  });
  return provider.callback();
}

console.info = console.warn = () => {}; // it warns of what is fine in a test
let answer = (_, response) => response.destroy();
const server = http.createServer((request, response) => answer(request, response));
server.listen(0, "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  console.log(issuer);
  readline.createInterface({ input: process.stdin }).on("line", (line) => {
    const settings = JSON.parse(line);
    answer = settings.down ? (_, response) => response.destroy() : make(issuer, settings);
    console.log("ready");
  }).on("close", () => process.exit(0));
});
