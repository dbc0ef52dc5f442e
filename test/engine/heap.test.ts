import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Heap } from "../../src/engine/heap.ts";
import { Queue } from "../../src/engine/queue.ts";

const before = (a: number, b: number) => a < b;
const ascending = (a: number, b: number) => a - b;
const isEven = (item: number) => item % 2 === 0;

/** What can be done to a heap or a queue; a number is put in. */
const steps = fc.array(
  fc.oneof(fc.integer({ min: -20, max: 20 }), fc.constantFrom("take" as const, "compact" as const)),
  {
    maxLength: 200,
  },
);

/** Takes all that is left, in the order it comes. */
function drain<T>(take: () => T | undefined): T[] {
  const taken: T[] = [];
  for (let item = take(); item !== undefined; item = take()) taken.push(item);
  return taken;
}

describe("a heap", () => {
  it("gives its items in order, whatever it was made of", () => {
    fc.assert(
      fc.property(fc.array(fc.integer()), fc.array(fc.integer()), (made, pushed) => {
        const heap = new Heap(before, [...made]);
        for (const item of pushed) heap.push(item);
        expect(heap.size).toBe(made.length + pushed.length);
        expect(drain(() => heap.pop())).toEqual([...made, ...pushed].sort(ascending));
        expect(heap.size).toBe(0);
      }),
    );
  });

  it("is a sorted array to whoever pushes, pops and compacts", () => {
    fc.assert(
      fc.property(steps, (series) => {
        const heap = new Heap(before);
        let sorted: number[] = [];
        for (const step of series) {
          if (step === "take") expect(heap.pop()).toBe(sorted.shift());
          else if (step === "compact") {
            heap.compact(isEven);
            sorted = sorted.filter(isEven);
          } else {
            heap.push(step);
            sorted = [...sorted, step].sort(ascending);
          }
          expect(heap.peek()).toBe(sorted[0]);
          expect(heap.size).toBe(sorted.length);
        }
        expect(drain(() => heap.pop())).toEqual(sorted);
      }),
    );
  });

  it("knows no order but the one it is given", () => {
    fc.assert(
      fc.property(fc.array(fc.string()), (names) => {
        const heap = new Heap<string>((a, b) => a > b, [...names]);
        expect(drain(() => heap.pop())).toEqual([...names].sort((a, b) => (a > b ? -1 : a < b ? 1 : 0)));
      }),
    );
  });

  it("keeps every one of equal items", () => {
    const heap = new Heap<{ at: number; id: string }>((a, b) => a.at < b.at);
    for (const id of ["a", "b", "c", "d", "e"]) heap.push({ at: 1, id });
    heap.push({ at: 0, id: "first" });
    expect(heap.pop()?.id).toBe("first");
    expect(drain(() => heap.pop()?.id).sort()).toEqual(["a", "b", "c", "d", "e"]);
  });

  it("has nothing to give when it is empty", () => {
    const heap = new Heap(before);
    expect([heap.pop(), heap.peek(), heap.size]).toEqual([undefined, undefined, 0]);
    heap.push(1);
    expect([heap.pop(), heap.pop(), heap.size]).toEqual([1, undefined, 0]);
  });
});

describe("a queue", () => {
  it("is an array to whoever pushes, shifts and compacts", () => {
    fc.assert(
      fc.property(fc.array(fc.integer()), steps, (made, series) => {
        const queue = new Queue(made);
        let items = [...made];
        for (const step of series) {
          if (step === "take") expect(queue.shift()).toBe(items.shift());
          else if (step === "compact") {
            queue.compact(isEven);
            items = items.filter(isEven);
          } else {
            queue.push(step);
            items.push(step);
          }
          expect(queue.peek()).toBe(items[0]);
          expect(queue.size).toBe(items.length);
        }
        expect(queue.toArray()).toEqual(items);
      }),
    );
  });

  it("gives thousands in the order they came, however they come and go", () => {
    const bursts = fc.array(fc.tuple(fc.nat(1_500), fc.nat(1_500)), { minLength: 4, maxLength: 12 });
    fc.assert(
      fc.property(bursts, (series) => {
        const queue = new Queue<number>();
        let [came, went] = [0, 0];
        for (const [pushes, shifts] of series) {
          for (let i = 0; i < pushes; i++) queue.push(came++);
          for (let i = 0; i < shifts; i++) {
            const next = went < came ? went++ : undefined;
            if (queue.shift() !== next) expect.unreachable(`${next} did not come in its turn`);
          }
          expect(queue.size).toBe(came - went);
          expect(queue.toArray()).toEqual(Array.from({ length: came - went }, (_, i) => went + i));
        }
      }),
      { numRuns: 50 },
    );
  });

  it("is its own: what it was made of does not change with it", () => {
    const items = [1, 2, 3];
    const queue = new Queue(items);
    queue.push(4);
    queue.shift();
    queue.toArray().pop();
    expect(items).toEqual([1, 2, 3]);
    expect(queue.toArray()).toEqual([2, 3, 4]);
  });
});
