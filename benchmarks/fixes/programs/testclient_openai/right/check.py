from fastapi.testclient import TestClient

from service import app

with TestClient(app) as client:
    for text in ("sun", "rain", "snow"):
        print(client.get("/ask", params={"text": text}).json())
