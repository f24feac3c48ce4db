from fastapi.testclient import TestClient

from service import app

client = TestClient(app)
for text in ("sun", "rain", "snow"):
    print(client.get("/ask", params={"text": text}).json())
