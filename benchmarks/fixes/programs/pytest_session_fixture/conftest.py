import os

import httpx
import pytest


@pytest.fixture(scope="session")
def client():
    return httpx.AsyncClient(base_url=os.environ["SERVICE"])
