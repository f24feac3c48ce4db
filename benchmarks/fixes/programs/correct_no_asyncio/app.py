from openai import OpenAI

with OpenAI(max_retries=0) as client:
    reply = client.chat.completions.create(model="m", messages=[{"role": "user", "content": "sync"}])
    print(reply.choices[0].message.content)
