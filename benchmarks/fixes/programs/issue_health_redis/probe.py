from asgiref.sync import async_to_sync

from health import RedisCheck

check = RedisCheck()
for number in range(2):
    try:
        print(f"probe {number}:", async_to_sync(check.run)())
    except Exception as error:
        print(f"probe {number} failed:", type(error).__name__)
