// What the frameworks' programs share: the gateway's address and key as they are set, the prompts, and the one tool.

export const [, , scenario, variant, prompt] = process.argv;
export const url = process.env.BURSAR_URL;
export const key = process.env.AGENT_KEY;
/** The first turn of a conversation of two. */
export const firstPrompt = "Run the check compat:tool and tell me what the tool says.";
export const childInstructions = "Answer what you are asked.";

/** What the tool looks up. */
export const lookup = ({ key: name }) => `compat-${{ first: 42, second: 43 }[name]}`;
export const lookupDescription = "Looks up what a check says.";
export const lookupSchema = { type: "object", properties: { key: { type: "string" } }, required: ["key"], additionalProperties: false };

/** Runs the scenario's function and prints what it resolves to, as a user's program would. */
export async function play(scenarios) {
  try {
    console.log(await scenarios[scenario]());
  } catch (error) {
    console.error(`${error?.name ?? "Error"}: ${error?.message ?? error}`);
    process.exitCode = 1;
  }
}
