/** Support for tests of what is handed over: a server, and a Python. */
export { type LoopbackServer, type ServerFault, serveVllm } from "./loopback.ts";
export { python, pythonWith } from "./python.ts";
