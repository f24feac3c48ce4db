import asyncio

import agents

agents.set_tracing_disabled(True)
agents.set_default_openai_api("chat_completions")
agent = agents.Agent(name="helper", model="gpt-4o")
for text in ("one", "two"):
    print(asyncio.run(agents.Runner.run(agent, text)).final_output)
