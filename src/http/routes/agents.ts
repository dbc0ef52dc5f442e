/** Agents and their contracts. */
import {
  agentChangeResultSchema,
  agentDetailSchema,
  agentResultSchema,
  closeResultSchema,
  pauseResultSchema,
  registerBody,
} from "../../protocol/agent.wire.ts";
import { emptyBody, idBody } from "../../protocol/common.wire.ts";
import { rights } from "../rights.ts";
import { type Route, route } from "../route.ts";

const agent = "/v1/pools/:pool/agents/:agent";

export const agentsRoutes: readonly Route[] = [
  route("registerAgent", "PUT", agent, rights.managePool, "Register an agent, or change its contract", {
    answer: agentResultSchema,
    body: registerBody,
    run: (call, contract) => call.execute({ op: "register", ...contract, agent: call.param("agent") }),
  }),
  route("getAgent", "GET", agent, rights.readOwn, "An agent's contract and ledger entry", {
    answer: agentDetailSchema,
    agents: (call) => [call.param("agent")],
    run: (call) => call.query({ about: "agent", agent: call.param("agent") }),
  }),
  route(
    "closeAgent",
    "DELETE",
    agent,
    rights.managePool,
    "Close an agent; it leaves when its reservations are settled",
    {
      answer: closeResultSchema,
      run: (call) => call.execute({ op: "close", agent: call.param("agent"), id: call.idFor(undefined) }),
    },
  ),
  route("reopenAgent", "POST", `${agent}/reopen`, rights.managePool, "Open an agent's confidence gate for a new task", {
    answer: agentChangeResultSchema,
    body: idBody,
    run: (call, { id }) => call.execute({ op: "reopen", agent: call.param("agent"), id: call.idFor(id) }),
  }),
  route(
    "pauseAgent",
    "POST",
    `${agent}/pause`,
    rights.managePool,
    "Pause an agent and its sub-agents: no new reserves, open ones settle",
    {
      answer: pauseResultSchema,
      body: emptyBody,
      run: (call) => call.execute({ op: "pause", agent: call.param("agent") }),
    },
  ),
  route("resumeAgent", "POST", `${agent}/resume`, rights.managePool, "Resume an agent", {
    answer: pauseResultSchema,
    body: emptyBody,
    run: (call) => call.execute({ op: "resume", agent: call.param("agent") }),
  }),
  route(
    "resetAgent",
    "POST",
    `${agent}/reset`,
    rights.managePool,
    "Reset an agent: nothing consumed, its contract's allocation again",
    {
      answer: agentChangeResultSchema,
      body: idBody,
      run: (call, { id }) => call.execute({ op: "reset", agent: call.param("agent"), id: call.idFor(id) }),
    },
  ),
];
