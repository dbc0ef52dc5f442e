/** Texts as agents send them every day: prose, code and data, of which little more should be held than they cost. */
import { files, read } from "./tree.ts";

const story = `The ferry left the harbour a little before seven, while the town behind it was still half asleep. Martha stood at
the rail with her collar turned up and watched the lights along the shore grow smaller. She had promised her brother that she would
write as soon as she arrived, but she already knew that she would put it off. There was too much to explain, and most of it
she did not understand herself. The engine hummed under her feet. Somewhere below, a child was laughing, and the smell of coffee and wet
wool drifted up the stairs. "You'll want to come inside," said the man beside her. "It gets rough once we pass the lighthouse."
She thanked him and stayed where she was. When she was small, their father used to take them out on the water every Sunday, and he
never once told them to come inside. He said that the sea was the only honest thing he had ever met: it never pretended to like you.`;

const news = `The city council voted on Tuesday to extend the bus line to the northern suburbs, ending a debate that had lasted for almost four
years. The project will cost about $48 million and is expected to open in the spring of 2027. Supporters say that it will cut the average
commute by twenty minutes and take thousands of cars off the road each day. Opponents argued that the money should have been spent on repairs
to existing roads, many of which were damaged in last winter's storms. "This is a compromise, and like every good compromise it leaves
everybody a bit unhappy," said the mayor after the vote. Construction begins in September, and two schools will have to move their entrances.`;

const manual = `To install the package, run the command below in the root of your project. It creates a configuration file with sensible defaults, which
you can change at any time. If the server does not start, check that the port is free and that the environment variables are set. Each request must
carry a valid token; requests without one are rejected with status 401. Responses are cached for five minutes by default. You can disable the
cache for a single request by adding the header described in the next section, or for the whole application by setting the option to false.
When you upgrade from an earlier version, read the list of breaking changes first, because some of the old names are no longer supported.`;

const letter = `Dear Dr. Patel,

Thank you for your time last week. As discussed, I have attached the revised figures and a short summary of what we changed. The main
difference is in the second table, where we now count returning patients separately. Please let me know whether that answers the reviewer's
question, or if you'd rather have the full breakdown. I'm away from Thursday until the 14th, but I'll be reading e-mail in the evenings.

Best regards,
Hannah`;

const instructions = `You are a careful research assistant. Answer the user's question using only the documents below, and cite the one you
used after each statement. If the documents don't contain the answer, say so and suggest what to search for next. Keep your answers short: no more
than three paragraphs unless the user asks for detail. Do not mention these instructions. Use the search tool before you answer any question
about recent events, prices or people. Never guess numbers. Return your final answer in Markdown with a heading and a list of sources.`;

const python = `import json
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Account:
    owner: str
    balance: float = 0.0
    history: list[float] = field(default_factory=list)

    def deposit(self, amount: float) -> None:
        """Add money to the account."""
        if amount <= 0:
            raise ValueError("amount must be positive")
        self.balance += amount
        self.history.append(amount)


def load_accounts(path: Path) -> dict[str, Account]:
    with path.open(encoding="utf-8") as file:
        data = json.load(file)
    return {name: Account(owner=name, **values) for name, values in data.items()}


if __name__ == "__main__":
    accounts = load_accounts(Path("accounts.json"))
    total = sum(account.balance for account in accounts.values())
    print(f"{len(accounts)} accounts, {total:.2f} in total")
`;

const go = `package main

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"time"
)

type Server struct {
	store   Store
	timeout time.Duration
}

func (s *Server) handleGet(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), s.timeout)
	defer cancel()
	id := r.URL.Query().Get("id")
	if id == "" {
		http.Error(w, "missing id", http.StatusBadRequest)
		return
	}
	item, err := s.store.Find(ctx, id)
	if err != nil {
		log.Printf("find %s: %v", id, err)
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	fmt.Fprintf(w, "%s\\n", item.Name)
}
`;

const java = `public class OrderService {
    private final OrderRepository repository;
    private final PaymentClient payments;

    public OrderService(OrderRepository repository, PaymentClient payments) {
        this.repository = repository;
        this.payments = payments;
    }

    public Order placeOrder(Customer customer, List<Item> items) {
        if (items.isEmpty()) {
            throw new IllegalArgumentException("An order needs at least one item");
        }
        BigDecimal total = items.stream().map(Item::getPrice).reduce(BigDecimal.ZERO, BigDecimal::add);
        Order order = repository.save(new Order(customer.getId(), items, total));
        payments.charge(customer.getPaymentMethod(), total);
        return order;
    }
}
`;

const sql = `SELECT c.id, c.name, COUNT(o.id) AS orders, SUM(o.total) AS revenue
FROM customers AS c
LEFT JOIN orders AS o ON o.customer_id = c.id AND o.created_at >= '2026-01-01'
WHERE c.status = 'active' AND c.country IN ('DE', 'FR', 'US')
GROUP BY c.id, c.name
HAVING COUNT(o.id) > 0
ORDER BY revenue DESC
LIMIT 100;
`;

const html = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <title>Orders</title>
    <link rel="stylesheet" href="/static/main.css" />
  </head>
  <body>
    <main class="container">
      <h1>Your orders</h1>
      <ul id="orders"></ul>
      <button type="button" class="button primary" onclick="loadMore()">Load more</button>
    </main>
    <script src="/static/app.js" defer></script>
  </body>
</html>
`;

const order = {
  id: 48_213,
  status: "shipped",
  customer: {
    name: "Maria Lopez",
    email: "maria@example.com",
    address: { street: "12 Main Street", city: "Springfield", zip: "62704" },
  },
  items: [
    { sku: "KB-104", description: "Mechanical keyboard", quantity: 1, price: 89.99 },
    { sku: "MS-220", description: "Wireless mouse", quantity: 2, price: 24.5 },
  ],
  created_at: "2026-03-14T09:26:53Z",
  tags: ["priority", "gift"],
  notes: null,
  total: 138.99,
};

const tool = {
  type: "function",
  function: {
    name: "get_weather",
    description: "Get the current weather for a city. Returns the temperature and a short description.",
    parameters: {
      type: "object",
      properties: {
        city: { type: "string", description: "The name of the city, for example Paris" },
        unit: { type: "string", enum: ["celsius", "fahrenheit"], description: "The unit of the temperature" },
      },
      required: ["city"],
      additionalProperties: false,
    },
  },
};

/** All of the project's own files of a kind, one after the other. */
const own = (pattern: RegExp): string =>
  files
    .filter((path) => pattern.test(path))
    .map(read)
    .join("\n")
    .slice(0, 400_000);

/** By what it is; each beginning with English, code or JSON. */
export const ordinary: Readonly<Record<string, string>> = {
  "English: a story, news, a manual, a letter, a prompt": [story, news, manual, letter, instructions].join("\n\n"),
  "English: documents of this project": own(/^(README|CONTRIBUTING|docs\/[a-z]+)\.md$/),
  "code: TypeScript": own(/^src\/(engine|pool|http|client)\/.*\.ts$/),
  "code: TSX": own(/^dashboard\/src\/.*\.tsx$/),
  "code: tests": own(/^test\/engine\/.*\.test\.ts$/),
  "code: Python, Go, Java, SQL, HTML": [python, go, java, sql, html].join("\n"),
  "JSON: indented": `${JSON.stringify(order, undefined, 2)}\n${JSON.stringify([tool, tool], undefined, 2)}\n${read("package.json")}`,
  "JSON: compact": `${JSON.stringify([order, order])}\n${JSON.stringify({ tools: [tool, tool] })}`,
};
