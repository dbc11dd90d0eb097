// The official TypeScript client: the same as client.py. Run in the folder that holds node_modules.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const require = createRequire(pathToFileURL(`${process.cwd()}/`));
const { Client } = await import(pathToFileURL(require.resolve("@modelcontextprotocol/sdk/client/index.js")));
const { StdioClientTransport } = await import(pathToFileURL(require.resolve("@modelcontextprotocol/sdk/client/stdio.js")));

const [calls, command, ...args] = process.argv.slice(2);
const client = new Client({ name: "client", version: "1.0.0" });
const transport = new StdioClientTransport({ command, args, env: process.env, stderr: "inherit" });
await client.connect(transport);
const { tools } = await client.listTools();
const results = [];
for (const [name, given] of JSON.parse(calls)) {
  const result = await client.callTool({ name, arguments: given });
  results.push([Boolean(result.isError), result.content.reduce((sum, part) => sum + (part.text ?? "").length, 0)]);
}
console.log(JSON.stringify({ protocol: "", tools: tools.map((tool) => tool.name).sort(), results }));
await client.close();
