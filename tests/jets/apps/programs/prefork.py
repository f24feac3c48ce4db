"""A WSGI application for gunicorn; with --preload the parent has called already when it forks."""

import json

import workload

before = workload.work(-1)


def app(environ, start_response):
    body = json.dumps(workload.work(int(environ["PATH_INFO"].rpartition("/")[2]))).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]
