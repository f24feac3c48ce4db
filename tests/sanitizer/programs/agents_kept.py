# ENVIRONMENTS: frameworks
# WARM: yes
# FINDINGS: client-left-open=leak cross-loop-use=error duplicate-request=error
# FAULT: openai-agents
import asyncio
import os

import agents

agents.set_tracing_disabled(True)
agents.set_default_openai_api("chat_completions")
os.environ |= {"OPENAI_API_KEY": "none", "OPENAI_BASE_URL": os.environ["PROVIDER"] + "/openai/v1"}
agent = agents.Agent(name="one", model="gpt-4o")
for _ in range(2):
    print(asyncio.run(agents.Runner.run(agent, "one")).final_output)  # CREATED
