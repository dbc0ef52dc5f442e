/**
 * The governor is killed (kill -9) and started again on its data, again and again, under 16 to 64 callers; now and then
 * it is paused (SIGSTOP), and sessions are cut. Then the books are held against what was acknowledged.
 */

import { randomOf } from "../../../test/support/random.ts";
import { startWorkerd } from "../../../test/support/workerd.ts";
import { startProxy } from "../lib/proxy.ts";
import { startSwarm, wrongs } from "../lib/swarm.ts";
import { findingsIn, type Part } from "./part.ts";

export const kill: Part = {
  name: "kill",
  shows:
    "A governor that is killed under load loses nothing that it acknowledged and books nothing twice. A request that " +
    "was not answered has one effect when it is repeated.",
  share: 6,
  slice: 60,
  goals: { kills: 1_000 },
  zero: wrongs,
  run: async ({ seconds, seed, say }) => {
    const random = randomOf(seed);
    const wait = (least: number, most: number): Promise<void> =>
      new Promise((resolve) => setTimeout(resolve, least + random() * (most - least)));
    let workerd = await startWorkerd({ bursar: "PoolObject" }, { isQuiet: true });
    const url = workerd.urls.bursar;
    const proxy = await startProxy(Number(new URL(url).port));
    const swarm = await startSwarm(url, proxy.url, random);
    const until = Date.now() + seconds * 1_000;
    let broken: unknown;
    const done = (): boolean => broken !== undefined || Date.now() > until;
    const counts = { kills: 0, pauses: 0, cuts: 0 };
    // A caller that is told no, or what can't be: the defect that is looked for. It must not end this process.
    const spending = swarm.spend(8 + Math.floor(random() * 25), done).catch((error: unknown) => {
      broken = error;
    });
    try {
      while (!done()) {
        await wait(50, 250);
        const chance = random();
        if (chance < 0.1) {
          workerd.process.kill("SIGSTOP");
          await wait(100, 1_000);
          workerd.process.kill("SIGCONT");
          counts.pauses++;
        } else if (chance < 0.3) counts.cuts += proxy.cut(random());
        else {
          workerd = await workerd.restart();
          counts.kills++;
        }
        if (counts.kills % 25 === 0 && chance >= 0.3)
          say(`${counts.kills} kills, ${swarm.acknowledged()} acknowledged`);
      }
      await spending;
      if (broken !== undefined) throw broken;
      const found = { ...counts, ...(await swarm.compare()) };
      return { counts: found, findings: findingsIn(found, wrongs, seed) };
    } finally {
      await swarm.stop();
      proxy.stop();
      await workerd.stop();
    }
  },
};
