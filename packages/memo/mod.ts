export { DiskCache } from "./cache.ts";
export { type Closure, codeVersion, importClosure } from "./code.ts";
export { hashOf, sha256 } from "./hash.ts";
export { identityOf, libraryValue } from "./identity.ts";
