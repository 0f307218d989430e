// Asks by each SDK of npm what its users ask, with nothing set but the variables
// that a cage has, and prints one line of JSON for each answer: what a program
// gets, not what went over the wire.
const {createRequire} = require("module");
const need = createRequire(process.argv[2] + "/package.json");
const Anthropic = need("@anthropic-ai/sdk").default;
const OpenAI = need("openai").default;
const {GoogleGenAI} = need("@google/genai");

const say = (name, value) => console.log(JSON.stringify({name, value}));
const failing = async (name, ask) => {
  try {
    await ask();
    say(name, "no error");
  } catch (e) {
    say(name, [e.status, e.error?.error?.message ?? e.error?.message ?? JSON.parse(e.message).error.message]);
  }
};
const messages = [{role: "user", content: "hi"}];
const broken = {headers: {"X-Standin-Mode": "500"}, maxRetries: 0};

const asks = {
  async anthropic() {
    const client = new Anthropic();
    const ask = {model: "claude-x", max_tokens: 9, messages};
    say("anthropic create", (await client.messages.create(ask)).content[0].text);
    const final = await client.messages.stream(ask).finalMessage();
    say("anthropic stream", [final.content[0].text, final.usage.output_tokens]);
    say("anthropic count", (await client.messages.countTokens({model: "claude-x", messages})).input_tokens);
    say("anthropic models", (await client.models.list()).data[0].id);
    await failing("anthropic error", () => client.messages.create(ask, broken));
  },
  async openai() {
    const client = new OpenAI();
    const chat = {model: "gpt-x", messages};
    say("openai chat", (await client.chat.completions.create(chat)).choices[0].message.content);
    let text = "";
    for await (const chunk of await client.chat.completions.create({...chat, stream: true})) text += chunk.choices[0]?.delta?.content ?? "";
    say("openai chat stream", text);
    const ask = {model: "gpt-x", input: "hi"};
    say("openai responses", (await client.responses.create(ask)).output_text);
    const final = await client.responses.stream(ask).finalResponse();
    say("openai responses stream", [final.output_text, final.usage.output_tokens]);
    say("openai embeddings", (await client.embeddings.create({model: "e", input: "hi", encoding_format: "float"})).data[0].embedding);
    say("openai models", (await client.models.list()).data[0].id);
    await failing("openai error", () => client.chat.completions.create(chat, broken));
  },
  async gemini() {
    const client = new GoogleGenAI({});
    const ask = {model: "gemini-x", contents: "hi"};
    say("gemini generate", (await client.models.generateContent(ask)).text);
    let text = "";
    for await (const chunk of await client.models.generateContentStream(ask)) text += chunk.text ?? "";
    say("gemini stream", text);
    say("gemini count", (await client.models.countTokens(ask)).totalTokens);
    await failing("gemini error", () => client.models.generateContent({...ask, config: {httpOptions: {headers: {"X-Standin-Mode": "500"}}}}));
  },
  // With an agent's chat, by the operator's own token.
  async agent() {
    const client = new OpenAI({maxRetries: 0});
    const ids = [];
    for await (const model of client.models.list()) ids.push(model.id);
    say("agent models", ids.includes("openclaw/talker"));
    const chat = {model: "openclaw/talker", messages};
    say("agent chat", (await client.chat.completions.create(chat)).choices[0].message.content);
    say("agent chat stream", (await client.chat.completions.stream(chat).finalChatCompletion()).choices[0].message.content);
    const ask = {model: "openclaw/talker", instructions: "be brief", input: "hi"};
    const whole = await client.responses.create(ask);
    say("agent response", [whole.status, whole.output_text, whole.usage.output_tokens]);
    const stream = client.responses.stream(ask);
    let text = "", kinds = new Set();
    for await (const event of stream) {
      kinds.add(event.type);
      if (event.type === "response.output_text.delta") text += event.delta;
    }
    const final = await stream.finalResponse();
    say("agent response stream", [final.status, text, final.output_text, final.usage.output_tokens, kinds.has("response.completed")]);
    const next = [{role: "user", content: "hi"}, ...whole.output, {role: "user", content: [{type: "input_text", text: "and then"}]}];
    say("agent response goes on", (await client.responses.create({...ask, input: next})).output_text);
    await failing("agent no tools", () => client.responses.create({...ask, tools: [{type: "function", name: "f", parameters: {}, strict: true}]}));
    await failing("agent nobody", () => client.responses.create({...ask, model: "openclaw/nobody"}));
  },
  // Past a budget: an SDK gives its own error for it, and does not ask again.
  async budget() {
    await failing("anthropic budget", () => new Anthropic({maxRetries: 3}).messages.create({model: "forbidden", max_tokens: 9, messages}));
    await failing("openai budget", () => new OpenAI({maxRetries: 3}).chat.completions.create({model: "forbidden", messages}));
    await failing("gemini budget", () => new GoogleGenAI({}).models.generateContent({model: "forbidden", contents: "hi"}));
  },
};

(async () => {
  for (const name of process.argv.slice(3)) await asks[name]();
})().catch((e) => {
  console.error(e);
  process.exitCode = 1;
});
