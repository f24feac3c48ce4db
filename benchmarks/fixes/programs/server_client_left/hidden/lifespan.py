from fastapi.testclient import TestClient

from service import app

with TestClient(app) as client:
    assert [client.get(f"/data/{number}").json() for number in (3, 4)] == ["data/3", "data/4"]
