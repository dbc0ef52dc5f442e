/** A way to the governor that can be cut: every connection through it, at any moment. */
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export type Proxy = {
  readonly url: string;
  /** Cuts one connection, chosen by a number in [0, 1); gives how many that were. */
  cut(choice: number): number;
  stop(): void;
};

export async function startProxy(port: number): Promise<Proxy> {
  const open = new Set<Socket>();
  const server = createServer((from) => {
    const to = connect(port, "127.0.0.1");
    open.add(from);
    const end = (): void => {
      open.delete(from);
      from.destroy();
      to.destroy();
    };
    for (const socket of [from, to]) socket.on("error", end).on("close", end);
    from.pipe(to);
    to.pipe(from);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port: own } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${own}`,
    cut: (choice) => {
      const socket = [...open][Math.floor(choice * open.size)];
      socket?.destroy();
      return socket === undefined ? 0 : 1;
    },
    stop: () => {
      for (const socket of open) socket.destroy();
      server.close();
    },
  };
}
