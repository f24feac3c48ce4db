from resources import Configuration

configuration = Configuration(["monitors", "dashboards"])
for step in ("import", "sync"):
    try:
        print(configuration.run(step))
    except RuntimeError as error:
        print(f"{step} failed: {error}")
