// Writes src/api/types.ts from docs/openapi.json: one TypeScript type for each schema. Runs before every build and test, so
// that the console and the interface cannot drift apart.
import { readFileSync, writeFileSync } from "node:fs";

const { schemas } = JSON.parse(readFileSync(new URL("../docs/openapi.json", import.meta.url))).components;

const PRIMITIVES = { string: "string", integer: "number", number: "number", boolean: "boolean", null: "null" };

function typeOf(schema) {
  if (schema.$ref) return schema.$ref.split("/").pop();
  if (schema.anyOf) return schema.anyOf.map(typeOf).join(" | ");
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  if (Array.isArray(schema.type)) return schema.type.map((type) => typeOf({ ...schema, type })).join(" | ");
  if (schema.type === "array") return `(${typeOf(schema.items)})[]`;
  if (schema.type === "object") return objectOf(schema);
  return PRIMITIVES[schema.type] ?? "unknown";
}

function objectOf({ properties, required = [], additionalProperties }) {
  if (!properties) return `Record<string, ${typeof additionalProperties === "object" ? typeOf(additionalProperties) : "unknown"}>`;
  const members = Object.entries(properties).map(([name, schema]) => `${name}${required.includes(name) ? "" : "?"}: ${typeOf(schema)}`);
  return `{ ${members.join("; ")} }`;
}

const lines = Object.entries(schemas).map(([name, schema]) => `export type ${name} = ${typeOf(schema)};`);
writeFileSync(new URL("src/api/types.ts", import.meta.url), `// Made by types.js from docs/openapi.json.\n${lines.join("\n")}\n`);
