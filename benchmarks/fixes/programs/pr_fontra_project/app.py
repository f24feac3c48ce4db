import asyncio

from project import Project


async def main(projects):
    for project in projects:
        await project.open()
    for project in projects:
        await project.close()


loop = asyncio.new_event_loop()
try:
    loop.run_until_complete(main([Project("a"), Project("b")]))
finally:
    loop.close()
