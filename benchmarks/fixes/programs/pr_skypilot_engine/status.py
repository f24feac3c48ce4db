from state import get_status

for name in ("cluster-1", "cluster-2"):
    print(get_status(name))
