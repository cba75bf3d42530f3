// A device built on MQTT.js: device.mjs URL TOKEN VERSION TEMPLATE [CA-FILE]
// Logs in, checks in, sends a value and asks for it, fetches what it is offered. Prints what came as JSON.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import mqtt from "mqtt";

const [url, token, version, template, caFile] = process.argv.slice(2);
const ca = caFile ? readFileSync(caFile) : undefined;
const LIMIT_MS = 20000;

const limit = setTimeout(() => {
  console.error("timed out");
  process.exit(1);
}, LIMIT_MS);

const client = mqtt.connect(url, {
  username: "device", password: token, clientId: "", clean: true, keepalive: 45, protocolVersion: Number(version), ca,
  reconnectPeriod: 0, servername: "localhost",
});
const inbox = new Map();
const awaited = new Map();

client.on("message", (topic, payload) => {
  inbox.set(topic, payload.toString());
  awaited.get(topic)?.(payload.toString());
});
client.on("error", (error) => {
  console.error(`${error}`);
  process.exit(1);
});

const message = (topic) => (inbox.has(topic) ? Promise.resolve(inbox.get(topic))
  : new Promise((resolve) => { awaited.set(topic, resolve); }));

const fetched = (address) => new Promise((resolve, reject) => {
  const get = address.startsWith("https:") ? https.get : http.get;
  get(address, { ca }, (answer) => {
    const hash = createHash("sha256");
    answer.on("data", (piece) => hash.update(piece));
    answer.on("end", () => resolve({ status: answer.statusCode, sha256: hash.digest("hex"), header: answer.headers["x-sha256"] }));
  }).on("error", reject);
});

const connack = await new Promise((resolve) => { client.on("connect", resolve); });
await client.subscribeAsync("downlink/#", { qos: 1 });
await client.publishAsync("ds/Temperature", "21.3", { qos: 1 });
await client.publishAsync("get/ds", "Temperature", { qos: 0 });
const value = await message("downlink/ds/Temperature");
await client.publishAsync("info/mcu", JSON.stringify({ tmpl: template, ver: "1.0.0", build: "", type: "pump", rxbuff: 1024 }), { qos: 2 });
const offer = JSON.parse(await message("downlink/ota/json"));
const file = await fetched(offer.url);
await client.endAsync();
clearTimeout(limit);
console.log(JSON.stringify({ code: connack.returnCode ?? connack.reasonCode, value, offer, file }));
