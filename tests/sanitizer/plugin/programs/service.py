import httpx2

client = httpx2.AsyncClient()  # BLAME service.py import
