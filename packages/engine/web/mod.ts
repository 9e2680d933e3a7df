/** The engine in a browser tab: what an import map puts in the place of ort.ts and ort_api.ts. */
export { type OrtTensor, ortVersion, Session, type SessionOptions } from "./session.ts";
export { openPool, type PoolOptions } from "./pool.ts";
