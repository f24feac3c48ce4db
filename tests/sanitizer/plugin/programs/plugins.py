import django
import httpx2
import pytest
import pytest_asyncio
from aiohttp import web
from django.conf import settings
from django.http import HttpResponse
from django.test import SimpleTestCase
from django.urls import path

from conftest import fetch

settings.configure(ROOT_URLCONF=__name__, DATABASES={}, ALLOWED_HOSTS=["*"])
django.setup()


@pytest_asyncio.fixture
async def kept():
    client = httpx2.AsyncClient()  # BLAME test_plugins.py::test_fixture setup kept function
    await fetch(client)
    return client


@pytest.mark.asyncio
async def test_fixture(kept):
    await fetch(kept)


@pytest.mark.asyncio
async def test_call():
    await fetch(httpx2.AsyncClient())  # BLAME test_plugins.py::test_call call


async def handler(request):
    await fetch(httpx2.AsyncClient())  # BLAME test_plugins.py::test_application call
    return web.Response()


@pytest.fixture
def app():
    made = web.Application()
    made.router.add_get("/", handler)
    return made


@pytest.mark.asyncio
async def test_application(aiohttp_client, app):
    client = await aiohttp_client(app)
    assert (await client.get("/")).status == 200


async def view(request):
    await fetch(httpx2.AsyncClient())  # BLAME test_plugins.py::TestViews::test_async_client call
    return HttpResponse("")


urlpatterns = [path("", view)]


class TestViews(SimpleTestCase):
    async def test_async_client(self):
        assert (await self.async_client.get("/")).status_code == 200

    async def test_right(self):
        async with httpx2.AsyncClient() as client:
            await fetch(client)
