/**
 * The page's end of the line to its worker: calls become promises, events go to who asked. Knows
 * messages; does not know what they are about.
 */
import type { Calls, Event, Message, Reply } from "./protocol.ts";

/** What was thrown is a stop that the reader asked for. */
export class Stopped extends Error {}

/** A call under way. */
export interface Call<T> extends Promise<T> {
  stop(): void;
}

interface Waiting extends PromiseWithResolvers<unknown> {
  readonly heard: (event: Event) => void;
}

/** Speaks to a worker that runs worker.ts. */
export class Client {
  private last = 0;
  private readonly waiting = new Map<number, Waiting>();

  /** @param note hears what nobody asked for, in sentences */
  constructor(private readonly worker: Worker, note: (text: string) => void) {
    worker.onmessage = ({ data }: MessageEvent<Reply>) => {
      const asked = this.waiting.get(data.id);
      if ("event" in data) {
        if (asked) asked.heard(data.event);
        else if (data.event.what === "note") note(data.event.text);
        return;
      }
      this.waiting.delete(data.id);
      if ("result" in data) asked?.resolve(data.result);
      else asked?.reject(data.stopped ? new Stopped(data.error) : new Error(data.error));
    };
    worker.onerror = (event) => {
      event.preventDefault?.();
      const error = new Error(`The page's worker ended: ${event.message}. Reload the page.`);
      for (const { reject } of this.waiting.values()) reject(error);
      this.waiting.clear();
    };
  }

  /** Asks; `heard` gets the call's events. A call that is stopped rejects with {@link Stopped}. */
  call<K extends keyof Calls>(
    call: K,
    argument: Parameters<Calls[K]>[0],
    heard: (event: Event) => void = () => {},
  ): Call<Awaited<ReturnType<Calls[K]>>> {
    const id = ++this.last;
    const waiting = { ...Promise.withResolvers<unknown>(), heard };
    this.waiting.set(id, waiting);
    this.send({ id, call, argument } as Message);
    const stop = () => {
      this.send({ stop: id });
    };
    return Object.assign(waiting.promise, { stop }) as Call<Awaited<ReturnType<Calls[K]>>>;
  }

  private send(message: Message): void {
    this.worker.postMessage(message);
  }
}
