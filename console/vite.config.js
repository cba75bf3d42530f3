import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { gzipSync } from "node:zlib";
import { defineConfig } from "vite";

const OUT = resolve(process.env.CONSOLE_OUT ?? "../build/console");
const SCRIPT_MAX_KB = 300;

/** Fails the build when all scripts together are larger than promised, after gzip. */
function budget() {
  return {
    name: "budget",
    apply: "build",
    closeBundle() {
      const assets = join(OUT, "assets");
      const scripts = readdirSync(assets).filter((name) => name.endsWith(".js"));
      const kb = scripts.reduce((sum, name) => sum + gzipSync(readFileSync(join(assets, name))).length, 0) / 1000;
      if (kb > SCRIPT_MAX_KB) throw new Error(`scripts weigh ${kb.toFixed(0)} KB after gzip, more than ${SCRIPT_MAX_KB}`);
      console.log(`scripts: ${kb.toFixed(1)} KB after gzip, of ${SCRIPT_MAX_KB}`);
    },
  };
}

export default defineConfig({
  plugins: [budget()],
  esbuild: { jsx: "automatic", jsxImportSource: "preact" },
  // No module preload helper and no inlined files: the content security policy allows files of this server alone.
  build: { outDir: OUT, emptyOutDir: true, target: "es2022", assetsInlineLimit: 0, modulePreload: false, reportCompressedSize: false },
  // `npm run dev` talks to a tandem-cloud on this machine.
  server: { proxy: { "/api": process.env.TANDEM_URL ?? "http://127.0.0.1:8080" } },
});
