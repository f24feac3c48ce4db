from openai import OpenAI

with OpenAI() as client:
    for question in ("one", "two"):
        reply = client.chat.completions.create(
            model="gpt-5-mini",
            messages=[{"role": "user", "content": question}],
        )
        print(reply.choices[0].message.content)
