from fastapi.testclient import TestClient

from service import app

with TestClient(app) as client:
    assert [client.get("/ask", params={"text": text}).json() for text in "ab"] == ["answer to a", "answer to b"]
