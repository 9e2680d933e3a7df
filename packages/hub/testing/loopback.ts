/**
 * A hub on this machine, for tests: it speaks the hub's HTTP (repository info, listing in pages,
 * resolve with redirects to a storage host, ranges, ETags, error codes) and fails on request.
 *
 * Large files live on a second server, another origin, as on the real hub.
 */
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What the next request whose URL contains the key gets instead of an answer. */
export type Fault =
  | { status: number; headers?: Record<string, string> }
  | { cutAfter: number } // bytes of the body, then the connection drops
  | { body: Uint8Array } // another content of the same length
  | { ignoreRange: true };

export interface LoopbackRepository {
  kind?: "model" | "dataset";
  files: Record<string, Uint8Array>;
  /** Paths kept in large-file storage. */
  large?: readonly string[];
  /** What the listing says of a path instead of its true hash. */
  hashes?: Readonly<Record<string, string>>;
  /** Only this token gets its files. */
  gatedFor?: string;
  /** Nobody without this token may know that it exists. */
  privateFor?: string;
}

export interface LoopbackHub {
  readonly endpoint: string;
  /** "METHOD url" of each request since the last clear. */
  readonly requests: string[];
  /** Range and Authorization headers, in step with `requests`. */
  readonly headers: { range?: string; authorization?: string }[];
  readonly faults: [string, Fault][];
  repositories: Record<string, LoopbackRepository>;
  close(): Promise<void>;
}

const hash = (kind: string, ...parts: (string | Uint8Array)[]) =>
  parts.reduce((h, part) => h.update(part), createHash(kind)).digest("hex");
export const sha256 = (bytes: Uint8Array) => hash("sha256", bytes);
export const gitOid = (bytes: Uint8Array) => hash("sha1", `blob ${bytes.length}\0`, bytes);
/** A commit id that changes with the content. */
export const commitOf = (r: LoopbackRepository) => hash("sha1", ...Object.entries(r.files).flat());

export async function startHub(
  repositories: Record<string, LoopbackRepository>,
): Promise<LoopbackHub> {
  const requests: string[] = [];
  const headers: LoopbackHub["headers"] = [];
  const faults: [string, Fault][] = [];
  const hub = { requests, headers, faults, repositories };

  const note = (request: IncomingMessage): Fault | undefined => {
    requests.push(`${request.method} ${request.url}`);
    const { range, authorization } = request.headers;
    headers.push({ range, authorization });
    const i = faults.findIndex(([part]) => request.url!.includes(part));
    return i < 0 ? undefined : faults.splice(i, 1)[0]![1];
  };
  const serve = (handler: (q: IncomingMessage, a: ServerResponse) => void) => {
    const server = createServer(handler);
    return new Promise<{ origin: string; close: () => Promise<void> }>((resolve) =>
      server.listen(0, "127.0.0.1", () =>
        resolve({
          origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
          close: () => {
            server.closeAllConnections();
            return new Promise((done) => server.close(() => done()));
          },
        }))
    );
  };

  const storage = await serve((request, answer) => {
    const fault = note(request);
    const id = request.url!.slice(1);
    const all = Object.values(hub.repositories).flatMap((r) => Object.values(r.files));
    sendBytes(request, answer, all.find((bytes) => sha256(bytes) === id)!, fault);
  });

  const front = await serve((request, answer) => {
    const fault = note(request);
    if (fault && "status" in fault) return send(answer, fault.status, {}, fault.headers);
    const url = new URL(request.url!, front.origin);
    const api = url.pathname.match(/^\/api\/(model|dataset)s\/(.+?)\/(revision|tree)\/([^/]+)$/);
    const file = url.pathname.match(/^\/(datasets\/)?([^/]+\/[^/]+)\/resolve\/([^/]+)\/(.+)$/);
    const name = api?.[2] ?? file?.[2] ?? "";
    const repo = hub.repositories[name];
    const refuse = (status: number, code: string) =>
      send(answer, status, { error: code }, { "x-error-code": code });
    const token = request.headers.authorization?.replace("Bearer ", "");
    const kind = api?.[1] ?? (file?.[1] ? "dataset" : "model");
    const isHidden = repo?.privateFor !== undefined && repo.privateFor !== token;
    if (!repo || isHidden || (repo.kind ?? "model") !== kind) {
      return refuse(token ? 404 : 401, "RepoNotFound");
    }
    const commit = commitOf(repo);
    const revision = decodeURIComponent(api?.[4] ?? file?.[3] ?? "");
    if (!["main", "refs/convert/parquet", commit].includes(revision)) {
      return refuse(404, "RevisionNotFound");
    }

    if (api?.[3] === "revision") {
      return send(answer, 200, { _id: "1", id: name, sha: commit, gated: !!repo.gatedFor });
    }
    if (api) { // the listing, in pages of two entries
      const at = Number(url.searchParams.get("cursor") ?? 0);
      const entries = Object.entries(repo.files).map(([path, bytes]) => ({
        type: "file",
        path,
        size: bytes.length,
        // The real hub gives the pointer file's id for large files.
        oid: repo.hashes?.[path] ?? gitOid(bytes),
        ...(repo.large?.includes(path)
          ? { lfs: { oid: sha256(bytes), size: bytes.length, pointerSize: 130 } }
          : {}),
      }));
      url.searchParams.set("cursor", String(at + 2));
      const more = at + 2 < entries.length;
      const link = more ? { link: `<${url.href}>; rel="next"` } : undefined;
      return send(answer, 200, entries.slice(at, at + 2), link);
    }
    if (repo.gatedFor !== undefined && repo.gatedFor !== token) {
      return refuse(token ? 403 : 401, "GatedRepo");
    }
    const path = decodeURIComponent(file![4]!);
    const bytes = repo.files[path];
    if (!bytes) return refuse(404, "EntryNotFound");
    const commitHeader = { "x-repo-commit": commit };
    if (repo.large?.includes(path)) {
      const etag = {
        ...commitHeader,
        "x-linked-etag": `"${sha256(bytes)}"`,
        "x-linked-size": `${bytes.length}`,
      };
      return send(answer, 302, {}, { location: `${storage.origin}/${sha256(bytes)}`, ...etag });
    }
    sendBytes(request, answer, bytes, fault, { ...commitHeader, etag: `"${gitOid(bytes)}"` });
  });

  const close = async () => {
    await front.close();
    await storage.close();
  };
  return Object.assign(hub, { endpoint: front.origin, close });
}

function send(answer: ServerResponse, status: number, body: unknown, headers = {}): void {
  answer.writeHead(status, { "content-type": "application/json", ...headers });
  answer.end(JSON.stringify(body));
}

function sendBytes(
  request: IncomingMessage,
  answer: ServerResponse,
  bytes: Uint8Array,
  fault?: Fault,
  headers = {},
): void {
  if (fault && "status" in fault) return send(answer, fault.status, {}, fault.headers);
  const from = Number(request.headers.range?.match(/^bytes=(\d+)-\d*$/)?.[1] ?? 0);
  const isPart = from > 0 && !(fault && "ignoreRange" in fault);
  const content = fault && "body" in fault ? fault.body : bytes;
  const body = isPart ? content.subarray(from) : content;
  answer.writeHead(isPart ? 206 : 200, {
    "content-length": body.length,
    ...(isPart ? { "content-range": `bytes ${from}-${bytes.length - 1}/${bytes.length}` } : {}),
    ...headers,
  });
  if (fault && "cutAfter" in fault) {
    answer.write(body.subarray(0, fault.cutAfter), () => answer.destroy());
  } else answer.end(body);
}
